// Package auth knows who may come in: users, their passwords, and how often a
// stranger may guess.
//
// Doors sign in on every request (WebDAV sends Basic each time) while a check of
// a hash takes 60 ms and 19 MiB by intent. So right answers are remembered for
// five minutes under a key that only this process knows, equal questions asked
// at once are answered by one check, and the checks that do run share a bounded
// amount of memory. Nothing here starts a goroutine.
//
// # Guessing
//
// What slows a guesser must not lock the owner out, so the refusals count per
// address and name:
//
//   - A wrong password makes the same address wait 0.5 s before that name is
//     looked at again, doubling to one minute. In that time every password is
//     refused unread, the right one too.
//   - An address that guesses at many names (ten wrong ones are free) waits for
//     all names, but for those that it has signed in with before.
//   - A name guessed at from many addresses is never refused for it: an address
//     that has not signed in with it before only waits, up to two seconds, and is
//     then checked. A refusal, or a queue, would let strangers lock out somebody
//     who travels. A large botnet is held by the one minute per address and by
//     the memory that all checks share (some thirty checks a second); only where
//     64 checks wait for that memory already are strangers told to come back.
//   - The same wrong password again is answered at once and counts once: a client
//     with an old password saved neither guesses nor blocks its neighbours.
//
// An address is one IPv4 address or an IPv6 /64, which is what one customer gets.
// Counters lose one failure a minute and the tables that hold them are bounded; what
// overflows is the entry used longest ago. A wrong name takes the time of a wrong
// password. Behind a proxy all clients share its address, and so its waits.
package auth
