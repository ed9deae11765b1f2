package stix

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/entente-relay/entente/federation"
)

// detected renders what detectors find in prose: "national-id (PL PESEL)", with
// "?" when unsure.
func detected(t testing.TB, text string) string {
	t.Helper()
	o, err := Parse([]byte(indicator(fmt.Sprintf(`,"description":%s`, jsonText(text)))))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return detectedIn(o, "description")
}

func detectedIn(o *Object, path string) string {
	var out []string
	for _, f := range Categorize(o) {
		switch {
		case f.Path != path || f.Holds == "" || f.Holds == HoldsEmail || f.Holds == HoldsPhone || f.Holds == HoldsAddress:
			continue
		case f.Category == federation.Personal && (f.Holds == HoldsSubscriber || f.Holds == HoldsCalls):
			continue // the second finding of the same
		}
		s := f.Holds
		if _, detail, ok := strings.Cut(f.Evidence, "("); ok {
			s += " (" + detail
		}
		if f.Unsure {
			s += "?"
		}
		out = append(out, s)
	}
	return strings.Join(out, "; ")
}

// jsonText quotes a text as JSON.
func jsonText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`
}

type detectCase struct{ text, want string }

func testDetect(t *testing.T, cases []detectCase) {
	t.Helper()
	for _, tc := range cases {
		if got := detected(t, tc.text); got != tc.want {
			t.Errorf("%q: got %q, want %q", tc.text, got, tc.want)
		}
	}
}

// The numbers are those that the authorities or their manuals print as
// examples, or made up with a check digit.
func TestDetectNational(t *testing.T) {
	testDetect(t, []detectCase{
		{"Steuer-ID 86095742719", "national-id (DE Steuer-ID)"},
		{"Identifikationsnummer: 86 095 742 719", "national-id (DE Steuer-ID)"},
		{"seen 86095742719 there", "national-id (DE Steuer-ID)?"},
		{"Steuer-ID 86095742718", ""},
		{"Rentenversicherungsnummer 15 070649 C 103", "national-id (DE pension insurance)"},
		{"15070649C103", "national-id (DE pension insurance)?"},
		{"PESEL 44051401359", "national-id (PL PESEL)"},
		{"pesel=44051401359", "national-id (PL PESEL)"},
		{"44051401359 (PESEL)", "national-id (PL PESEL)"},
		{"the list has 44051401359.", "national-id (PL PESEL)?"},
		{"PESEL 44051401358", ""},
		{"PESEL 44951401359", ""},
		{"NIR 2 55 08 14 168 025 38", "national-id (FR NIR)"},
		{"numéro de sécurité sociale : 255081416802538", "national-id (FR NIR)"},
		{"NUMÉRO DE SÉCURITÉ SOCIALE 255081416802538", "national-id (FR NIR)"},
		{"RSSMRA85T10A562S", "national-id (IT codice fiscale)"},
		{"RSSMRA85T10A562T", ""},
		{"DNI 12345678Z", "national-id (ES DNI)"},
		{"12345678-Z", "national-id (ES DNI)?"},
		{"DNI 12345678A", ""},
		{"NIF X1234567L", "national-id (ES NIE)"},
		{"BSN 111222333", "national-id (NL BSN)"},
		{"111222333", ""},
		{"personnummer 811228-9874", "national-id (SE personnummer)"},
		{"personnummer 8112289874", "national-id (SE personnummer)"},
		{"born 811228-9874", "national-id (SE personnummer)?"},
		{"fødselsnummer 13097248022", "national-id (NO fødselsnummer)"},
		{"FØDSELSNUMMER 130972 48022", "national-id (NO fødselsnummer)"},
		{"131052-308T", "national-id (FI henkilötunnus)"},
		{"131052A308T", "national-id (FI henkilötunnus)"},
		{"131052-308U", ""},
		{"SSN: 078-05-1120", "national-id (US SSN)"},
		{"SSN 078051120", "national-id (US SSN)"},
		{"078-05-1120", "national-id (US SSN)?"},
		{"078051120", ""},
		{"SSN 666-05-1120", ""},
		{"NI number AB123456C", "national-id (GB National Insurance)"},
		{"AB 12 34 56 C", "national-id (GB National Insurance)?"},
		{"AB123456C", ""},
		{"マイナンバー123456789018です", "national-id (JP My Number)"},
		{"個人番号 1234 5678 9018", "national-id (JP My Number)"},
		{"123456789018", ""},
		{"マイナンバー123456789019です", ""},
		{"주민등록번호 880326-1234567", "national-id (KR resident registration)"},
		{"880326-1234567", "national-id (KR resident registration)?"},
		{"CPF 111.444.777-35", "national-id (BR CPF)"},
		{"(111.444.777-35)", "national-id (BR CPF)"},
		{"CPF: 11144477735", "national-id (BR CPF)"},
		{"111.444.777-36", ""},
		{"CPF 111.111.111-11", ""},
		{"Aadhaar 2341 2341 2346", "national-id (IN Aadhaar)"},
		{"aadhaar no. 234123412346", "national-id (IN Aadhaar)"},
		{"2341 2341 2346", "national-id (IN Aadhaar)?"},
		{"Aadhaar 2341 2341 2347", ""},
		{"11010519491231002X", "national-id (CN resident id)"},
		{"身份证号码：11010519491231002X", "national-id (CN resident id)"},
		{"110105194912310021", ""},
		{"passport no. C01X00T47", "national-id (number of a document)"},
		{"Personalausweis L01X00T47", "national-id (number of a document)"},
		{"a passport was shown at 10:20", ""},
		{"national ID of the victim's owner: 44051401359", "national-id (PL PESEL)"},
	})
}

func TestDetectPayment(t *testing.T) {
	testDetect(t, []detectCase{
		{"DE89370400440532013000", "payment-data (IBAN)"},
		{"transfer to DE89 3704 0044 0532 0130 00 today", "payment-data (IBAN)"},
		{"iban de89370400440532013000", "payment-data (IBAN)"},
		{"de89370400440532013000", ""},
		{"DE89370400440532013001", ""},
		{"GB29NWBK60161331926819", "payment-data (IBAN)"},
		{"PL61 1090 1014 0000 0712 1981 2874", "payment-data (IBAN)"},
		{"4111 1111 1111 1111", "payment-data (card number)"},
		{"card number 4111111111111111", "payment-data (card number)"},
		{"4111111111111111", "payment-data (card number)?"},
		{"3782 822463 10005", "payment-data (card number)"},
		{"4111 1111 1111 1112", ""},
		{"9111111111111111", ""},
		{"Kontonummer 0532013000", "payment-data (bank account)"},
	})
}

func TestDetectSubscribers(t *testing.T) {
	testDetect(t, []detectCase{
		{"IMSI 310150123456789", "subscriber-record (IMSI)"},
		{"310150123456789", ""},
		{"IMSI 110150123456789", ""},
		{"IMEI: 490154203237518", "subscriber-record (IMEI)"},
		{"IMEI: 490154203237519", ""},
		{"MSISDN 4915112345678", "subscriber-record (MSISDN)"},
		{"ICCID 8991101200003204514", "subscriber-record (ICCID)"},
		{"8991101200003204514", "subscriber-record (ICCID)?"},
		{"8991101200003204515", ""},
		{"customer number 100234", "subscriber-record (customer or contract number)"},
		{"Kundennummer: K-100234", "subscriber-record (customer or contract number)"},
		{"お客様番号：1002345", "subscriber-record (customer or contract number)"},
		{"numer umowy 2026/0012", "subscriber-record (customer or contract number)"},
		{"customer number not known on port 4433", ""},
		{"caller 0301234567, callee 0307654321, duration 35 s", "call-record"},
		{"the caller hung up after a duration of 35 s", ""},
		{"the function's caller and callee", ""},
	})
	const path = "extensions.x-ext"
	o := parse1(t, indicator(`,"extensions":{"x-ext":{"imsi":"310150123456789","a":{"caller":"0301234567","callee":307654321}}}`))
	if got := detectedIn(o, path); got != "subscriber-record (IMSI); call-record" {
		t.Errorf("in members: %q", got)
	}
	if got := detectedIn(parse1(t, indicator(`,"extensions":{"x-ext":{"pesel":44051401359}}`)), path); got != "national-id (PL PESEL)" {
		t.Errorf("a JSON number: %q", got)
	}
}

func TestDetectHealth(t *testing.T) {
	testDetect(t, []detectCase{
		{"He was diagnosed with asthma", "health?"},
		{"ist bis Freitag krankgeschrieben", "health?"},
		{"na zwolnieniu lekarskim", "health?"},
		{"en arrêt maladie", "health?"},
		{"血液型はA", "health?"},
		{"The patient needs medication", "health?"},
		{"Patient, Diagnose offen", "health?"},
		{"患者の診断", "health?"},
		{"ICD-10: F32.1", "health?"},
		{"Diagnose J45.0", "health?"},
		{"ransomware in a hospital; patient records stolen", ""},
		{"infected host, virus found, patient zero", ""},
		{"diagnostic logs of the VPN", ""},
		{"technique T1566.001", ""},
	})
}

func TestDetectPrices(t *testing.T) {
	testDetect(t, []detectCase{
		{"our wholesale tariff is 0.12 EUR per minute", "price"},
		{"Angebot: 1.200 € im Monat", "price"},
		{"contract over $ 40,000", "price"},
		{"umowa na 1200 zł", "price"},
		{"料金は1200円", "price"},
		{"see the price list", "price?"},
		{"Marktanteil im Norden", "price?"},
		{"demands 500,000 USD ransom", ""},
		{"the stealer is offered for $150 per month", ""},
		{"the ransomware quote, and our contract at $150", "price?"},
		{"loss of 2 million EUR", ""},
		{"the price depends on how many hosts get infected: $4.50 for 1,000", ""},
		{"stolen cards: depending on the account's balance, prices vary from $15 to $1500 each", ""},
		{"offered on port 8080", ""},
		{"kr3nz and 10kr4", ""},
	})
}

func TestDetectVictims(t *testing.T) {
	testDetect(t, []detectCase{
		{"victim 198.51.100.7 was scanned", "victim-address?"},
		{"Opfer: 198[.]51[.]100[.]7", "victim-address?"},
		{"被害端末 198.51.100.7", "victim-address?"},
		{"victims connect to the C2 198.51.100.7", ""},
		{"the victim saw 192.0.2.1", ""}, // what the indicator is about
		{"seen at 198.51.100.7", ""},
	})
}

// What threat reports are full of is none of these.
func TestDetectNothing(t *testing.T) {
	for _, text := range []string{
		"sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855, md5 d41d8cd98f00b204e9800998ecf8427e",
		"CVE-2024-123456 and CVE-2021-44228 on port 44443, build 10.0.19045.3803, version 4.11.1.111",
		"id 6f7a2f2c-7a5e-4a3e-9d5c-0c5f6d1e2b3a, 00000000-0000-4000-8000-000000000001",
		"T1566.001, T1059, TA0043, S0154, G0016, M1036, CAPEC-112, CWE-79",
		"at 2026-01-06T12:30:45.123Z, 20260106123045, 1767700000, 1767700000123, 06.01.2026 12:30",
		"rule a { strings: $a = { 6A 40 68 00 30 00 00 } $b = \"4D5A90000300000004\" condition: uint16(0) == 0x5A4D }",
		"AS64500, 198.51.100.0/24, 2001:db8:b47:20c6::d58f, 02:00:5e:10:00:00:00:01",
		"https://host.example/p/44051401359/?id=1234567890123456&s=4111111111111111",
		"bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
		"S-1-5-21-1234567890-1234567890-1234567890-1001 {A1B2C3D4-0000-1111-2222-333344445555}",
		"3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C, T1B5F4E1C2 imphash f34d5f2d4577ed6d9ceec516c1f5a744",
		"x509 serial 36:f7:d4:32:f4:ab:70:ea:d3:ce:98:6e:ea:99:93:49:32:0a:b7:06",
		"KB5034441 MS17-010 RFC 5737 ISO 27001:2022 USB\\VID_0781&PID_5567\\200517389101",
		"tweet 1745839201745839104, snowflake 1187654321098765432, chat -1001234567890",
		"stdout 'host.example/tariff v1.5.2$', the offer v2.0.1$",
		"cos -1.2075175293 1.00000001000000005 0.00147604015016959710",
		"a tool to diagnose hosts writes diagnostic files",
		"call +44051401359 or see /44051401359 there",
		"fake passport scans, seen 20260105; passport: 20260105",
		"account numbers of 12000 users, 4500 customer numbers, account number and 15000 others, 4500 lost account number reports",
		"Bundle DE-2026-004711, ticket 2026010512, case #88112233",
	} {
		if got := detected(t, text); got != "" {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// What an indicator matches is the attacker's, whatever it looks like.
func TestDetectNothingInPatterns(t *testing.T) {
	o := parse1(t, withPattern("[url:value = 'https://host.example/?pesel=44051401359&iban=DE89370400440532013000']", ""))
	if got := detectedIn(o, "pattern"); got != "" {
		t.Error(got)
	}
}

// In what is technical only what is sure counts.
func TestDetectInTechnical(t *testing.T) {
	sco := func(name string) *Object {
		return parse1(t, `{"type":"file","id":"file--00000000-0000-5000-8000-000000000001","name":`+jsonText(name)+`}`)
	}
	for name, want := range map[string]string{
		"44051401359.pdf":                    "",
		"pesel 44051401359.pdf":              "national-id (PL PESEL)",
		"price list and medical patient.doc": "",
		"4111111111111111.txt":               "",
		"copy of 4111111111111111":           "",
	} {
		if got := detectedIn(sco(name), "name"); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

// The origin's word drops guesses about people, and only those.
func TestDetectOriginRulesOut(t *testing.T) {
	more := func(text string) string {
		return `,"description":` + jsonText(text) + `,"extensions":{"` + HandlingExtension + `":{"extension_type":"property-extension","personal_data":false}}`
	}
	for text, want := range map[string]string{
		"the list has 44051401359": "",
		"PESEL 44051401359":        "national-id (PL PESEL)",
		"8991101200003204514":      "",
		"see the price list":       "price?",
		"was diagnosed with flu":   "",
	} {
		if got := detectedIn(parse1(t, indicator(more(text))), "description"); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// A word announces what follows in its own property, not in the next one.
func TestDetectUnitByUnit(t *testing.T) {
	o := parse1(t, indicator(`,"name":"pesel, caller, callee","description":"44051401359"`))
	if got := detectedIn(o, "description"); got != "national-id (PL PESEL)?" {
		t.Errorf("got %q", got)
	}
	o = parse1(t, indicator(`,"name":"PESEL 44051401359","description":"a price list"`))
	if got := detectedIn(o, "description"); got != "price?" {
		t.Errorf("found before, and still there: %q", got)
	}
}

// A broken digit is found by every check digit, in every place.
func TestCheckDigits(t *testing.T) {
	for name, tc := range map[string]struct {
		number string
		check  func([]byte) bool
		misses []int // places whose digit the check does not cover by itself
	}{
		"Verhoeff": {"234123412346", verhoeff, nil},
		"Luhn":     {"4111111111111111", luhn, nil},
		"PESEL":    {"44051401359", pesel, nil},
		"CPF":      {"11144477735", cpf, nil},
		"NO":       {"13097248022", fodselsnummer, nil},
		"CN":       {"11010519491231002X", residentID, nil},
		"IBAN":     {"DE89370400440532013000", iban, []int{0, 1}},
	} {
		if !tc.check([]byte(tc.number)) {
			t.Errorf("%s: %s is right", name, tc.number)
		}
		for i, c := range []byte(tc.number) {
			for x := byte('0'); x <= '9'; x++ {
				broken := []byte(tc.number)
				if broken[i] = x; x != c && !slices.Contains(tc.misses, i) && tc.check(broken) {
					t.Errorf("%s: %s passes", name, broken)
				}
			}
		}
	}
}

// FuzzDetect looks through any text in any unit: nothing panics, evidence holds
// nothing of the text, and what is found is of a known kind.
func FuzzDetect(f *testing.F) {
	for _, s := range []string{"PESEL 44051401359", "DE89 3704 0044 0532 0130 00", "マイナンバー123456789018", "tariff 1.200 €",
		"victim 198.51.100.7", "a-number 1-2.3/4 5+6", "\xc3\x28é", "ICD F32.1", "999999-999A 131052-308T"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o, err := Parse([]byte(indicator(`,"description":` + jsonText(s) + `,"x_pesel":` + jsonText(s) + `,"labels":[` + jsonText(s) + `]`)))
		if err != nil {
			return
		}
		for _, x := range Categorize(o) {
			if x.Holds != "" && !slices.Contains(Contents(), x.Holds) || !x.Category.Valid() {
				t.Fatalf("%+v", x)
			}
			if len(s) > 24 && strings.Contains(x.Evidence, s) {
				t.Fatalf("evidence %q repeats the text", x.Evidence)
			}
		}
	})
}

// Whatever stands in the shape of a national number is judged without a panic,
// and what is found of it, announced or not, says which.
func TestNationalShapes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.SampledFrom(nationalIDs).Draw(t, "id")
		text := []byte(rapid.SampledFrom(id.shapes).Draw(t, "shape"))
		for i, c := range text {
			switch c {
			case '9':
				text[i] = byte(rapid.IntRange('0', '9').Draw(t, "digit"))
			case 'A':
				text[i] = byte(rapid.IntRange('A', 'Z').Draw(t, "letter"))
			}
		}
		var compact []byte
		for _, c := range text {
			if alnum(c) {
				compact = append(compact, c)
			}
		}
		right := id.check(compact)
		d := detector{}
		d.begin(true)
		d.read(text)
		d.spoken |= 1 << aboutNational // as if the text before had said so
		d.told = 1 << aboutNational
		d.text(text, nil)
		if f := d.found[nationalNumber]; right && f.strength != sure {
			t.Fatalf("%s is a %s, and %v is found", text, id.evidence, f)
		}
	})
}

// A codice fiscale in groups begins with letters alone, and a word of three
// capitals before a number is no part of it.
func TestNumberBehindLetters(t *testing.T) {
	for text, want := range map[string]strength{
		"codice fiscale FAK BOK 63L67 S999V":  sure,
		"codice fiscale FAKBOK63L67S999V":     sure,
		"codice fiscale Fak Bok 63L67 S999V":  nothing,
		"codice fiscale THE FAKBOK63L67S999V": sure,
	} {
		d := detector{}
		d.begin(true)
		d.read([]byte(text))
		d.spoken |= 1 << aboutNational
		d.told = 1 << aboutNational
		d.text([]byte(text), nil)
		if f := d.found[nationalNumber]; f.strength != want {
			t.Errorf("%s: %v, want %v", text, f.strength, want)
		}
	}
}
