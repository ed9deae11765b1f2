package stix

import (
	"slices"
	"testing"
)

func TestHolds(t *testing.T) {
	for text, want := range map[string]string{
		"user@host.example":     HoldsEmail,
		"tel. 030 1234567":      HoldsPhone,
		"seen at 198.51.100.23": HoldsAddress,
		"nothing of the kind":   "",
	} {
		var got []string
		for _, f := range Categorize(parse1(t, indicator(`,"description":"`+text+`"`))) {
			if f.Path == "description" && f.Holds != "" {
				got = append(got, f.Holds)
			}
		}
		if want == "" && got != nil || want != "" && !slices.Equal(got, []string{want}) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// What a place holds is told too, where no text shows it.
func TestHoldsByPlace(t *testing.T) {
	const mail = "email-addr--00000000-0000-5000-8000-000000000001"
	for _, tc := range []struct{ raw, path, want string }{
		{`{"type":"ipv4-addr","id":"` + hereID + `","value":"198.51.100.7"}`, "value", HoldsAddress},
		{traffic(hereID, thereID), "dst_ref", HoldsAddress},
		{traffic(hereID, thereID), "protocols", ""},
		{indicator(`,"x_msisdn":"unknown"`), "x_msisdn", HoldsSubscriber},
		{indicator(`,"x_price":"ask"`), "x_price", HoldsPrice},
		{`{"type":"email-message","id":"email-message--00000000-0000-5000-8000-000000000001","is_multipart":false,"from_ref":"` + mail + `"}`, "from_ref", HoldsEmail},
		{`{"type":"user-account","id":"user-account--00000000-0000-5000-8000-000000000001","user_id":"x"}`, "user_id", ""},
	} {
		got := ""
		for _, f := range Categorize(parse1(t, tc.raw)) {
			if f.Path == tc.path && f.Holds != "" {
				got = f.Holds
			}
		}
		if got != tc.want {
			t.Errorf("%s of %.40s: %q, want %q", tc.path, tc.raw, got, tc.want)
		}
	}
}
