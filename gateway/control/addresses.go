package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

func addressesFile(dataDir string) string { return filepath.Join(dataDir, "addresses.json") }

// WriteAddresses writes the bound addresses to dataDir/addresses.json: an object of
// each door's name to its "host:port", {"web":"127.0.0.1:8080"}. Readers see the
// whole file or none.
func WriteAddresses(dataDir string, addresses map[string]string) error {
	text, err := json.MarshalIndent(addresses, "", "  ")
	if err != nil {
		return err
	}
	if err := replace(addressesFile(dataDir), append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing the bound addresses: %w", err)
	}
	return nil
}

// ReadAddresses reads what [WriteAddresses] wrote; [ErrNotRunning] where there is
// nothing.
func ReadAddresses(dataDir string) (map[string]string, error) {
	text, err := os.ReadFile(addressesFile(dataDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", ErrNotRunning, err)
	}
	if err != nil {
		return nil, err
	}
	var addresses map[string]string
	if err := json.Unmarshal(text, &addresses); err != nil {
		return nil, fmt.Errorf("%s: %w", addressesFile(dataDir), err)
	}
	return addresses, nil
}

// RemoveAddresses removes the file when the gateway stops. None is no error.
func RemoveAddresses(dataDir string) error {
	if err := os.Remove(addressesFile(dataDir)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
