package cli

import (
	"bytes"
	"encoding/pem"
	"errors"
	"os"

	"github.com/spf13/cobra"
)

func (p *program) certificateCommand() *cobra.Command {
	der, out := false, ""
	c := &cobra.Command{
		Use: "certificate", Short: "Print the certificate, for devices that import a root", Args: words(0, 0),
		Long: `Print the certificate that FTPS and HTTPS show, in PEM form. Cameras that only trust
what they were given take it as a root certificate: copy it onto a memory card under the
name that the camera's manual gives, as in ROOT.CER. It is no secret; the key stays here.`,
		RunE: func(c *cobra.Command, _ []string) error {
			text, err := p.env.Certificate(c.Context(), p.config)
			if err != nil {
				return err
			}
			if text, err = certificates(text, der); err != nil {
				return err
			}
			if out != "" {
				return os.WriteFile(out, text, 0o644)
			}
			_, err = p.Out.Write(text)
			return err
		},
	}
	c.Flags().BoolVar(&der, "der", false, "in binary form (.cer, .der); of a chain, the last certificate")
	c.Flags().StringVarP(&out, "output", "o", "", "write to `FILE`")
	return c
}

// certificates returns those of a PEM text, which may have a key too.
func certificates(text []byte, der bool) ([]byte, error) {
	var all bytes.Buffer
	var last []byte
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		last = block.Bytes
		if err := pem.Encode(&all, &pem.Block{Type: block.Type, Bytes: block.Bytes}); err != nil {
			return nil, err
		}
	}
	switch {
	case last == nil:
		return nil, errors.New("the file of the certificate has none in it, in PEM form")
	case der:
		return last, nil
	}
	return all.Bytes(), nil
}
