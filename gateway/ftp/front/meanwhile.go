package front

import "slipway/gateway/ftp/front/dialogue"

// maxOwed is how many bytes of replies wait for a transfer's end. A client that
// makes it more is read from no further until then.
const maxOwed = 16 << 10

// meanwhile answers the commands that are no reason to read no further while a
// transfer is under way: an ABOR may follow, or the end of the connection. It reports
// whether c was one.
func (s *Session) meanwhile(c dialogue.Command) bool {
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.Lock()
	if c.Verb == "ABOR" && s.talk.Beginning() {
		s.giveUp() // for which the library waits
	}
	reply, now := s.talk.Meanwhile(c)
	if reply == "" || s.closed || len(s.owed)+len(reply) > maxOwed {
		s.mu.Unlock()
		return false
	}
	if !now {
		s.owed = append(s.owed, reply...)
	}
	s.mu.Unlock()
	if now && s.send([]byte(reply)) != nil {
		s.close(s.raw)
	}
	return true
}
