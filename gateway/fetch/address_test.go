package fetch

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

func TestPublic(t *testing.T) {
	for addr, want := range map[string]bool{
		"8.8.8.8": true, "93.184.216.34": true, "2606:2800:220:1:248:1893:25c8:1946": true, "64:ff9b::808:808": true, "::ffff:8.8.8.8": true, "2002:808:808::1": true,
		"172.15.255.255": true, "172.32.0.1": true, "100.63.255.255": true, "100.128.0.1": true, "11.0.0.1": true, "223.255.255.255": true,

		"127.0.0.1": false, "127.255.255.254": false, "0.0.0.0": false, "0.1.2.3": false, "10.1.2.3": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false,
		"169.254.169.254": false, "169.254.170.2": false, "100.64.0.1": false, "100.127.255.255": false, "100.100.100.200": false, "168.63.129.16": false,
		"192.0.0.192": false, "192.0.2.1": false, "198.18.0.1": false, "198.19.255.255": false, "198.51.100.7": false, "203.0.113.9": false, "192.88.99.1": false,
		"224.0.0.1": false, "239.255.255.255": false, "240.0.0.1": false, "255.255.255.255": false,

		"::": false, "::1": false, "fe80::1": false, "fec0::1": false, "fc00::1": false, "fd00:ec2::254": false, "ff02::1": false, "2001:db8::1": false, "100::1": false, "3fff::1": false,
		"::ffff:127.0.0.1": false, "::ffff:169.254.169.254": false, "::ffff:10.0.0.1": false, "::127.0.0.1": false, "::10.0.0.1": false, "::ffff:0:127.0.0.1": false,
		"64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b:1::808:808": false,
		"2002:7f00:1::1": false, "2002:a9fe:a9fe::": false, "2002:c0a8:101::1": false, "2001::1": false, "2001:0:808:808::": false, "4000::1": false, "5f00::1": false,
	} {
		if got := Public(netip.MustParseAddr(addr)); got != want {
			t.Errorf("Public(%s) = %v", addr, got)
		}
	}
	if Public(netip.Addr{}) || Public(netip.MustParseAddr("2606:2800:220::1%eth0")) {
		t.Error("no address, or one with a zone, is public")
	}
}

// TestPublicForms holds that a form of an IPv4 address is as public as that.
func TestPublicForms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a [4]byte
		copy(a[:], rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address"))
		if rapid.Bool().Draw(t, "here") {
			a[0] = rapid.SampledFrom([]byte{0, 10, 127, 169, 172, 192, 198, 224, 255}).Draw(t, "first")
		}
		v4 := netip.AddrFrom4(a)
		for _, b := range [][16]byte{
			{10: 0xff, 11: 0xff, 12: a[0], 13: a[1], 14: a[2], 15: a[3]},
			{0: 0x00, 1: 0x64, 2: 0xff, 3: 0x9b, 12: a[0], 13: a[1], 14: a[2], 15: a[3]},
			{0: 0x20, 1: 0x02, 2: a[0], 3: a[1], 4: a[2], 5: a[3], 15: 1},
		} {
			if v6 := netip.AddrFrom16(b); Public(v6) != Public(v4) {
				t.Fatalf("%v: %v, %v: %v", v6, Public(v6), v4, Public(v4))
			}
		}
		if v4.IsPrivate() || v4.IsLoopback() || v4.IsLinkLocalUnicast() || v4.IsMulticast() || v4.IsUnspecified() {
			if Public(v4) {
				t.Fatal(v4)
			}
		}
	})
}
