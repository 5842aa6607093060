package auth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The parameters of new hashes: about 60 ms and 19 MiB a check on one core, a
// little over the least that RFC 9106 and OWASP's password page consider sound.
const (
	newMemory  = 19 * 1024 // KiB
	newTime    = 3
	newThreads = 1
	newSalt    = 16 // bytes
	newKey     = 32 // bytes
)

// The largest parameters that a hash may ask for, so that a line of the
// configuration cannot take the machine's memory or minutes of its time.
const (
	maxMemory  = 64 * 1024 // KiB
	maxTime    = 32
	maxThreads = 16
	maxSalt    = 64 // bytes
	maxKey     = 64 // bytes
	minSalt    = 8  // bytes
	minKey     = 16 // bytes
)

var errPHC = errors.New("not an argon2id hash ($argon2id$v=19$m=…,t=…,p=…$salt$hash)")

// argon is an argon2id hash in the "PHC string format".
type argon struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
	salt    []byte
	key     []byte
}

// derive computes the key of password under a's parameters.
func (a argon) derive(password []byte) []byte {
	return argon2.IDKey(password, a.salt, a.time, a.memory, a.threads, uint32(len(a.key)))
}

// String writes a as a PHC string.
func (a argon) String() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, a.memory, a.time, a.threads, b64(a.salt), b64(a.key))
}

// parsePHC reads an argon2id PHC string and refuses parameters out of bounds.
func parsePHC(s string) (argon, error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return argon{}, errPHC
	}
	if parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return argon{}, fmt.Errorf("%w: only version %d is known", errPHC, argon2.Version)
	}
	a, err := parseParameters(parts[3])
	if err != nil {
		return argon{}, err
	}
	if a.salt, err = decode(parts[4], minSalt, maxSalt); err != nil {
		return argon{}, fmt.Errorf("%w: the salt is broken", errPHC)
	}
	if a.key, err = decode(parts[5], minKey, maxKey); err != nil {
		return argon{}, fmt.Errorf("%w: the hash is cut or broken", errPHC)
	}
	return a, nil
}

// decode reads unpadded base 64 of low to high bytes, and nothing beside it: Go's
// decoder would pass over line breaks.
func decode(s string, low, high int) ([]byte, error) {
	b, err := base64.RawStdEncoding.Strict().DecodeString(s)
	if err != nil || strings.ContainsAny(s, "\r\n") || len(b) < low || len(b) > high {
		return nil, errPHC
	}
	return b, nil
}

// parseParameters reads "m=…,t=…,p=…", in this order and with all three.
func parseParameters(s string) (argon, error) {
	fields := strings.Split(s, ",")
	if len(fields) != 3 {
		return argon{}, errPHC
	}
	m, err1 := parameter(fields[0], "m=", maxMemory)
	t, err2 := parameter(fields[1], "t=", maxTime)
	p, err3 := parameter(fields[2], "p=", maxThreads)
	if err := errors.Join(err1, err2, err3); err != nil {
		return argon{}, err
	}
	if m < 8*p { // RFC 9106 §3.1
		return argon{}, fmt.Errorf("%w: m is less than 8 × p", errPHC)
	}
	return argon{memory: m, time: t, threads: uint8(p)}, nil
}

func parameter(field, name string, limit uint32) (uint32, error) {
	digits, ok := strings.CutPrefix(field, name)
	n, err := strconv.ParseUint(digits, 10, 32)
	if !ok || err != nil || digits != strconv.FormatUint(n, 10) {
		return 0, errPHC
	}
	if n == 0 || n > uint64(limit) {
		return 0, fmt.Errorf("%w: %s%d is outside 1 to %d", errPHC, name, n, limit)
	}
	return uint32(n), nil
}
