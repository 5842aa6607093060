package chevereto

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// duration is an ISO 8601 duration as PHP's DateInterval reads it: whole numbers,
// capital letters, nothing that could overflow.
var duration = regexp.MustCompile(`^P(?:\d{1,4}Y)?(?:\d{1,4}M)?(?:\d{1,4}W)?(?:\d{1,4}D)?(?:T(?:\d{1,8}H)?(?:\d{1,8}M)?(?:\d{1,8}S)?)?$`)

// seconds is a plain number of them.
var seconds = regexp.MustCompile(`^\d{1,9}$`)

// ValidExpiration returns an error where s is neither "" nor what the host reads
// as a duration: ISO 8601 ("PT5M", "P3D") or whole seconds ("3600"; "0" is never).
// The host answers anything else with success and deletes the picture after five
// minutes. It raises what is shorter than that, and lowers what is over a year.
func ValidExpiration(s string) error {
	s = strings.TrimSpace(s)
	switch {
	case s == "", seconds.MatchString(s):
		return nil
	case !duration.MatchString(s) || strings.HasSuffix(s, "T") || s == "P":
		return fmt.Errorf("expiration = %q is not a duration: use one such as \"PT5M\" (minutes), \"P3D\" (days), or a number of seconds", cut(s, 50))
	case !strings.ContainsAny(s, "123456789"):
		return errors.New("expiration is a duration of nothing: leave it out for a picture that stays")
	}
	return nil
}
