package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
)

// ErrCut means that a reply ended before its last line: the gateway stopped
// meanwhile, and there may be more.
var ErrCut = errors.New("the gateway's reply was cut off")

// RemoteError is an error that the gateway met while it replied.
type RemoteError string

// Error returns the gateway's text.
func (e RemoteError) Error() string { return string(e) }

// end is a stream's last line: how many items went before it, and the error that
// ended them early.
type end struct {
	Count int    `json:"count"`
	Error string `json:"error,omitempty"`
}

// Stream writes seq to w as one JSON object a line, {"item":…}, each sent at once,
// and {"end":{"count":…}} as the last. An error of seq ends the stream and goes into
// that line. What Stream returns is the reader's fault, who is gone.
func Stream[T any](w http.ResponseWriter, seq iter.Seq2[T, error]) error {
	w.Header().Set("Content-Type", "application/x-ndjson")
	var last end
	for item, err := range seq {
		var text []byte
		if err == nil {
			text, err = json.Marshal(map[string]T{"item": item})
		}
		if err != nil {
			last.Error = err.Error()
			break
		}
		if err := send(w, text); err != nil {
			return err
		}
		last.Count++
	}
	text, err := json.Marshal(map[string]end{"end": last})
	if err != nil {
		return err
	}
	return send(w, text)
}

func send(w http.ResponseWriter, text []byte) error {
	if _, err := w.Write(append(text, '\n')); err != nil {
		return err
	}
	err := http.NewResponseController(w).Flush()
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}

// Lines reads what [Stream] wrote. The gateway's error comes last as a
// [RemoteError]; a stream without its last line ends in [ErrCut]. The caller
// closes body.
func Lines[T any](body io.Reader) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		d := json.NewDecoder(body)
		for n := 0; ; n++ {
			item, last, err := next[T](d)
			if err != nil {
				yield(none, err)
				return
			}
			if last != nil {
				if err := last.check(n); err != nil {
					yield(none, err)
				}
				return
			}
			if !yield(item, nil) {
				return
			}
		}
	}
}

// next reads one line: an item, or the end.
func next[T any](d *json.Decoder) (item T, last *end, err error) {
	var line struct {
		Item json.RawMessage `json:"item"`
		End  *end            `json:"end"`
	}
	err = d.Decode(&line)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax) || errors.As(err, &kind):
		return item, nil, fmt.Errorf("the gateway's reply is not understood: %w", err)
	case err != nil:
		return item, nil, fmt.Errorf("%w: %w", ErrCut, err)
	case line.End != nil:
		return item, line.End, nil
	}
	if err := json.Unmarshal(line.Item, &item); err != nil {
		return item, nil, fmt.Errorf("the gateway's reply is not understood: %w", err)
	}
	return item, nil, nil
}

// check says what the end says of n items that were read.
func (e *end) check(n int) error {
	switch {
	case e.Error != "":
		return RemoteError(e.Error)
	case e.Count != n:
		return fmt.Errorf("%w: %d of %d items came", ErrCut, n, e.Count)
	}
	return nil
}
