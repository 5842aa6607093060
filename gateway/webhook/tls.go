package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
)

// handshake makes conn a TLS connection to the site called name.
func handshake(ctx context.Context, conn net.Conn, name string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	secure := tls.Client(conn, &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12})
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return secure, nil
}
