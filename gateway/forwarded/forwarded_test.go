package forwarded

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func proxies(t testing.TB, list ...string) (p Proxies) {
	t.Helper()
	for _, s := range list {
		var n Network
		if err := n.UnmarshalText([]byte(s)); err != nil {
			t.Fatal(err)
		}
		p = append(p, n)
	}
	return p
}

// request makes one from remote with fields "Name: value".
func request(remote string, fields ...string) *http.Request {
	r := &http.Request{RemoteAddr: remote, Header: http.Header{}}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	return r
}

func TestClient(t *testing.T) {
	const outside, proxy = "203.0.113.9:5", "10.0.0.1:5"
	for _, c := range []struct {
		remote string
		fields []string
		want   string
		tls    bool
	}{
		{outside, nil, "203.0.113.9", false},
		{proxy, nil, "10.0.0.1", false},
		// Nobody but a trusted proxy is believed.
		{outside, []string{"X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: https"}, "203.0.113.9", false},
		{outside, []string{"Forwarded: for=127.0.0.1;proto=https"}, "203.0.113.9", false},
		{"127.0.0.1:9", []string{"X-Forwarded-For: 198.51.100.7"}, "127.0.0.1", false},
		// The first hop from the right that is not trusted; what stands before it, it wrote.
		{proxy, []string{"X-Forwarded-For: 198.51.100.7"}, "198.51.100.7", false},
		{proxy, []string{"X-Forwarded-For: 127.0.0.1, 198.51.100.7"}, "198.51.100.7", false},
		{proxy, []string{"X-Forwarded-For: 127.0.0.1, 198.51.100.7, 10.2.3.4"}, "198.51.100.7", false},
		{proxy, []string{"X-Forwarded-For: 127.0.0.1", "X-Forwarded-For: 198.51.100.7"}, "198.51.100.7", false},
		{proxy, []string{"X-Forwarded-For: 10.9.9.9, 10.2.3.4"}, "10.9.9.9", false},
		{proxy, []string{"X-Forwarded-For: 198.51.100.7, rubbish"}, "10.0.0.1", false},
		{proxy, []string{"X-Forwarded-For: "}, "10.0.0.1", false},
		{proxy, []string{"X-Forwarded-For: 198.51.100.7:1234"}, "198.51.100.7", false},
		{proxy, []string{"X-Forwarded-For: [2001:db8::7]:1234"}, "2001:db8::7", false},
		{proxy, []string{"X-Forwarded-For: 2001:db8::7"}, "2001:db8::7", false},
		{proxy, []string{"X-Forwarded-For: ::ffff:198.51.100.7"}, "198.51.100.7", false},
		{"[::ffff:10.0.0.1]:5", []string{"X-Forwarded-For: 198.51.100.7"}, "198.51.100.7", false},
		// TLS.
		{proxy, []string{"X-Forwarded-For: 198.51.100.7", "X-Forwarded-Proto: https"}, "198.51.100.7", true},
		{proxy, []string{"X-Forwarded-For: 198.51.100.7", "X-Forwarded-Proto: https, http"}, "198.51.100.7", false},
		{proxy, []string{"X-Forwarded-For: 198.51.100.7, 10.2.3.4", "X-Forwarded-Proto: https, http"}, "198.51.100.7", true},
		{proxy, []string{"X-Forwarded-For: 1.1.1.1, 198.51.100.7, 10.2.3.4", "X-Forwarded-Proto: https, http, https"}, "198.51.100.7", false},
		{proxy, []string{"X-Forwarded-Proto: https"}, "10.0.0.1", false}, // for whom it does not say
		// Forwarded, where there is no X-Forwarded-For.
		{proxy, []string{"Forwarded: for=198.51.100.7"}, "198.51.100.7", false},
		{proxy, []string{`Forwarded: For="[2001:db8::7]:4711";Proto=HTTPS;by=10.0.0.1`}, "2001:db8::7", true},
		{proxy, []string{`Forwarded: for=127.0.0.1;proto=https, for=198.51.100.7;proto=http`}, "198.51.100.7", false},
		{proxy, []string{`Forwarded: for=127.0.0.1`, `Forwarded: for="198.51.100.7" ; proto=https , for=10.2.3.4`}, "198.51.100.7", true},
		{proxy, []string{`Forwarded: for=_hidden;proto=https`}, "10.0.0.1", true},
		{proxy, []string{`Forwarded: for="127.0.0.1, for=1.1.1.1`}, "10.0.0.1", false},
		{proxy, []string{`Forwarded: by="a,for=127.0.0.1";for=198.51.100.7`}, "198.51.100.7", false},
		{proxy, []string{`Forwarded: by="a\",for=127.0.0.1";for=198.51.100.7`}, "198.51.100.7", false},
		{proxy, []string{`Forwarded: for=127.0.0.1;proto=https`, `X-Forwarded-For: 198.51.100.7`}, "198.51.100.7", false},
		{"@", []string{"X-Forwarded-For: 127.0.0.1"}, "invalid IP", false},
	} {
		got, secure := proxies(t, "10.0.0.0/8").Client(request(c.remote, c.fields...))
		if got.String() != c.want || secure != c.tls {
			t.Errorf("%s %q: %v, TLS %v; want %s, %v", c.remote, c.fields, got, secure, c.want, c.tls)
		}
	}
	r := request(outside)
	r.TLS = &tls.ConnectionState{}
	if _, secure := (Proxies)(nil).Client(r); !secure {
		t.Error("TLS of the connection itself")
	}
	if !(Proxies)(nil).Hidden(request("127.0.0.1:1", "X-Forwarded-For: x")) || proxies(t, "127.0.0.1").Hidden(request("127.0.0.1:1", "X-Forwarded-For: x")) {
		t.Error("a proxy that is not trusted is not told from one that is")
	}
}

func TestNetwork(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1": "192.0.2.1/32", " 10.1.2.3/8 ": "10.0.0.0/8", "::1": "::1/128", "fd00::/8": "fd00::/8", "::ffff:1.2.3.4": "1.2.3.4/32",
		"": "", "nginx": "", "10.0.0.0/33": "", "fe80::1%eth0": "", "10.0.0.1:80": "",
	} {
		var n Network
		err := n.UnmarshalText([]byte(text))
		if got := netip.Prefix(n); (err == nil) != (want != "") || want != "" && got.String() != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

// FuzzClient: whatever a trusted proxy passes on, the answer is an address that
// somebody wrote, and what a stranger puts before the last hop changes nothing.
func FuzzClient(f *testing.F) {
	f.Add("127.0.0.1", `for=127.0.0.1;proto=https`)
	f.Add(`"`, `for="a\`)
	f.Add("a,,b", `,;,=`)
	f.Fuzz(func(t *testing.T, x, fwd string) {
		p := proxies(t, "10.0.0.0/8")
		if got, _ := p.Client(request("10.0.0.1:5", "X-Forwarded-For: "+x+", 198.51.100.7")); got.String() != "198.51.100.7" {
			t.Errorf("%q: %v", x, got)
		}
		r := request("10.0.0.1:5")
		r.Header["Forwarded"] = []string{fwd}
		if got, _ := p.Client(r); !got.IsValid() {
			t.Errorf("%q: %v", fwd, got)
		}
		r.Header["Forwarded"] = []string{fwd, "for=198.51.100.7"}
		if got, _ := p.Client(r); got.String() != "198.51.100.7" && got.String() != "10.0.0.1" {
			t.Errorf("%q: %v", fwd, got)
		}
	})
}
