package recordfile

import (
	"context"
	"net/netip"
	"strings"
	"testing"
)

func TestCovers(t *testing.T) {
	t.Parallel()
	const v4, v4Other, v6 = "192.0.2.99", "192.0.3.1", "2001:db8::99"
	for name, test := range map[string]struct {
		files   []string
		covered []string // as ID/address
		not     []string
	}{
		"servers":                   {[]string{"kvm_1: {192.0.2.1: a.b}\nkvm_2: {}\n"}, []string{"kvm_1/" + v4, "kvm_2/" + v6}, []string{"kvm_3/" + v4, "/" + v4}},
		"a map without servers":     {[]string{"192.0.2.1: a.b\n"}, []string{"/" + v4, "/" + v6}, []string{"kvm_1/" + v4}},
		"both":                      {[]string{"192.0.2.1: a.b\nkvm_1: {}\n"}, []string{"/" + v4, "kvm_1/" + v4}, []string{"kvm_2/" + v4}},
		"output of list":            {[]string{`{"servers":[{"kvm_id":"kvm_1","records":[]},{"kvm_id":"kvm_2","records":[],"error":"x"}]}`}, []string{"kvm_1/" + v4}, []string{"kvm_2/" + v4, "/" + v4}},
		"partial output of list":    {[]string{`{"servers":[{"kvm_id":"kvm_1","records":[{"ip":"192.0.2.1","name":"a.b"}],"error":"x"}]}`}, nil, []string{"kvm_1/" + v4}},
		"output of get":             {[]string{`{"kvm_id":"kvm_1","records":[{"ip":"192.0.2.1","name":"a.b"}]}`}, []string{"kvm_1/" + v4}, []string{"/" + v4}},
		"origin":                    {[]string{origin4 + "1 PTR a.b.\n"}, []string{"kvm_1/" + v4, "/" + v4, "kvm_1/::ffff:" + v4}, []string{"kvm_1/" + v4Other, "/" + v6}},
		"origins":                   {[]string{origin4 + "1 PTR a.b.\n" + origin6 + host6 + " PTR a.b.\n"}, []string{"/" + v4, "/" + v6}, []string{"/" + v4Other}},
		"two files":                 {[]string{origin4 + "1 PTR a.b.\n", origin6 + host6 + " PTR a.b.\n"}, []string{"/" + v4, "/" + v6}, []string{"/" + v4Other}},
		"zone and map":              {[]string{origin4 + "1 PTR a.b.\n", "kvm_1: {}\n"}, []string{"/" + v4, "kvm_1/" + v6}, []string{"kvm_2/" + v6}},
		"SOA above an origin":       {[]string{"$ORIGIN 192.in-addr.arpa.\n0 SOA a. b. 1 2 3 4 5\n" + origin4 + "1 PTR a.b.\n"}, []string{"/" + v4, "/" + v4Other}, []string{"/192.1.0.1"}},
		"SOA below an origin":       {[]string{"$ORIGIN in-addr.arpa.\n2.0.192 SOA a. b. 1 2 3 4 5\n1.2.0.192 PTR a.b.\n"}, []string{"/" + v4}, []string{"/" + v4Other}},
		"SOA without an origin":     {[]string{"2.0.192.IN-ADDR.arpa. SOA a. b. 1 2 3 4 5\n1.2.0.192.in-addr.arpa. PTR a.b.\n"}, []string{"/" + v4}, []string{"/" + v4Other}},
		"origin of all addresses":   {[]string{"$ORIGIN in-addr.arpa.\n1.2.0.192 PTR a.b.\n$ORIGIN .\n1.3.0.192.in-addr.arpa PTR a.b\n"}, nil, []string{"/" + v4, "/" + v6}},
		"only full names":           {[]string{"1.2.0.192.in-addr.arpa. PTR a.b.\n"}, nil, []string{"/" + v4, "/192.0.2.1"}},
		"delegation":                {[]string{"$ORIGIN 0.192.in-addr.arpa.\n@ NS a.\n3 NS a.\n1.2 PTR a.b.\n"}, []string{"/" + v4}, []string{"/" + v4Other}},
		"delegations by $GENERATE":  {[]string{"$ORIGIN 0.192.in-addr.arpa.\n$GENERATE 3-4 $ NS a.\n1.2 PTR a.b.\n"}, []string{"/" + v4}, []string{"/" + v4Other}},
		"DNAME":                     {[]string{"$ORIGIN 0.192.in-addr.arpa.\n3 DNAME a.\n1.2 PTR a.b.\n"}, []string{"/" + v4}, []string{"/" + v4Other}},
		"alias elsewhere":           {[]string{origin4 + "99 CNAME a.b.\n1 PTR a.b.\n"}, []string{"/192.0.2.98"}, []string{"/" + v4}},
		"alias in the zone":         {[]string{origin4 + "99 CNAME 99.x\n1 PTR a.b.\n"}, []string{"/" + v4}, nil},
		"type that is not known":    {[]string{origin4 + "99 WALLET x\n1 PTR a.b.\n"}, []string{"/192.0.2.98"}, []string{"/" + v4}},
		"child zone":                {[]string{"$ORIGIN 64/26.2.0.192.in-addr.arpa.\n70 PTR a.b.\n"}, []string{"/" + v4, "/192.0.2.64", "/192.0.2.127"}, []string{"/192.0.2.63", "/192.0.2.128", "/192.0.3.99", "/" + v6}},
		"child zone and its parent": {[]string{parentZone, childZone}, []string{"/" + v4, "/192.0.2.11"}, []string{"/" + v4Other}},
		"parent without its child":  {[]string{parentZone + "99 PTR a.b.\n"}, []string{"/" + v4}, []string{"/192.0.2.11"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sources []Source
			for _, content := range test.files {
				sources = append(sources, textSource("f", content))
			}
			set, err := Read(context.Background(), sources, Options{})
			if err != nil {
				t.Fatal(err)
			}
			for want, cases := range map[bool][]string{true: test.covered, false: test.not} {
				for _, text := range cases {
					kvmID, address, _ := strings.Cut(text, "/")
					if got := set.Covers(kvmID, netip.MustParseAddr(address)); got != want {
						t.Errorf("Covers(%q, %s) = %t, want %t", kvmID, address, got, want)
					}
				}
			}
		})
	}
}

// The origin that the caller gives is covered as one in the file is.
func TestCoversGivenOrigin(t *testing.T) {
	t.Parallel()
	set, err := read("$TTL 1\n1 PTR a.example.\n", Options{Origin: "2.0.192.in-addr.arpa"})
	if err != nil || !set.Covers("", netip.MustParseAddr("192.0.2.99")) || set.Covers("", netip.MustParseAddr("192.0.3.99")) {
		t.Errorf("Read = %v, %v, want that 192.0.2.0/24 is covered", set, err)
	}
}
