package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"slipway/gateway/strict"
	"slipway/uploader"
	"slipway/uploader/custom"
)

// CustomConfig are the keys of the driver custom: any host, from a ShareX custom
// uploader or the same in TOML. Texts are templates; see the README.
type CustomConfig struct {
	// Uploader is the path of a .sxcu file, whose settings the keys below go before.
	Uploader   string            `toml:"uploader"`
	Method     string            `toml:"method"`
	Parameters map[string]string `toml:"parameters"`
	Headers    map[string]string `toml:"headers"`
	Body       string            `toml:"body"`
	FileField  string            `toml:"file_field"`
	Arguments  map[string]string `toml:"arguments"`
	Data       string            `toml:"data"`
	Success    []int             `toml:"success"`
	Existing   []int             `toml:"existing"`
	Result     CustomResult      `toml:"result"`
	Says       CustomSays        `toml:"says"`

	Secrets        map[string]strict.Secret `toml:"secrets"`
	Types          []string                 `toml:"types"`
	RefusesRepeats strict.Duration          `toml:"refuses_repeats"`
	Idempotent     bool                     `toml:"idempotent"`
	KeepsBytes     bool                     `toml:"keeps_bytes"`
	DeleteMethod   string                   `toml:"delete_method"`
	DeleteHeaders  map[string]string        `toml:"delete_headers"`
	DeleteHosts    []string                 `toml:"delete_hosts"`
	Sign           string                   `toml:"sign"`
	Region         string                   `toml:"region"`
	Service        string                   `toml:"service"`
}

// CustomResult says where in the host's reply things are.
type CustomResult struct {
	URL       string `toml:"url"`
	Viewer    string `toml:"viewer"`
	Thumbnail string `toml:"thumbnail"`
	Deletion  string `toml:"deletion"`
	ID        string `toml:"id"`
	Error     string `toml:"error"`
	OK        string `toml:"ok"`
	Identical string `toml:"identical"`
}

// CustomSays are regular expressions over what the host says where it refuses.
type CustomSays struct {
	Wait    []string `toml:"wait"`
	Account []string `toml:"account"`
	File    []string `toml:"file"`
}

// customKeys are the keys of CustomConfig.
var customKeys = []string{
	"uploader", "method", "parameters", "headers", "body", "file_field", "arguments", "data", "success", "existing", "result", "says", "secrets", "types",
	"refuses_repeats", "idempotent", "keeps_bytes", "delete_method", "delete_headers", "delete_hosts", "sign", "region", "service",
}

// set tells which of its keys are set.
func (c CustomConfig) set() map[string]bool {
	return map[string]bool{
		"uploader": c.Uploader != "", "method": c.Method != "", "parameters": c.Parameters != nil, "headers": c.Headers != nil, "body": c.Body != "",
		"file_field": c.FileField != "", "arguments": c.Arguments != nil, "data": c.Data != "", "success": c.Success != nil, "existing": c.Existing != nil,
		"result": c.Result != CustomResult{}, "says": c.Says.Wait != nil || c.Says.Account != nil || c.Says.File != nil, "secrets": c.Secrets != nil, "types": c.Types != nil, "refuses_repeats": c.RefusesRepeats > 0,
		"idempotent": c.Idempotent, "keeps_bytes": c.KeepsBytes, "delete_method": c.DeleteMethod != "", "delete_headers": c.DeleteHeaders != nil,
		"delete_hosts": c.DeleteHosts != nil, "sign": c.Sign != "", "region": c.Region != "", "service": c.Service != "",
	}
}

// openCustom makes the driver custom.
func openCustom(_ string, c DestinationConfig, d driverDeps) (uploader.Driver, error) {
	cfg := custom.Config{
		Method: c.Method, URL: c.URL, Parameters: c.Parameters, Headers: c.Headers, Body: c.Body, FileField: c.FileField,
		Arguments: c.Arguments, Data: c.Data, Success: c.Success, Existing: c.Existing, Result: custom.Result(c.Result), Says: custom.Says(c.Says),
		Types: c.Types, RefusesRepeats: time.Duration(c.RefusesRepeats), Idempotent: c.Idempotent, KeepsBytes: c.KeepsBytes,
		DeleteMethod: c.DeleteMethod, DeleteHeaders: c.DeleteHeaders, DeleteHosts: c.DeleteHosts,
		Sign: c.Sign, Region: c.Region, Service: c.Service, Timeout: time.Duration(c.Timeout), Secrets: map[string]uploader.Secret{},
	}
	for name, s := range c.Secrets {
		text, err := d.secret(s)
		if err != nil {
			return nil, err
		}
		cfg.Secrets[name] = text
	}
	if c.Uploader != "" {
		path := c.Uploader
		if !filepath.IsAbs(path) { // to the configuration's folder, as every path
			path = filepath.Join(filepath.Dir(c.Places.Of("uploader").File), path)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("uploader: the file cannot be read: %w", err)
		}
		cfg.File, cfg.FileName = text, c.Uploader
	}
	return custom.New(cfg, d.client)
}
