package stix

// Payment data: bank accounts and cards.

const (
	byIBAN = "content: payment data (IBAN)"
	byCard = "content: payment data (card number)"
	byBank = "content: payment data (bank account)"
)

// ibanLengths is how long the account numbers of a country are (registry of ISO
// 13616-2, kept by SWIFT).
var ibanLengths = map[string]int{
	"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28, "CH": 21, "CR": 22,
	"CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22,
	"GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30,
	"KZ": 20, "LB": 28, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30,
	"NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SE": 24, "SI": 19,
	"SK": 24, "SM": 27, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}

// payment finds the numbers of bank accounts and cards.
func (d *detector) payment(n *number) {
	switch {
	case !n.whole || n.joint:
	case iban(n.compact) && (!n.lower || d.announced(n, aboutBank)):
		d.note(paymentData, sure, byIBAN)
	case n.letters == 0 && card(n.compact):
		s := nothing
		switch {
		case d.announced(n, aboutCard) || cardShape(string(n.shape)):
			s = sure
		case n.alone && n.plain():
			s = unsure
		}
		d.note(paymentData, s, byCard)
	case n.letters == 0 && len(n.compact) >= 7 && n.plain() && d.announced(n, aboutBank):
		d.note(paymentData, sure, byBank)
	}
}

// iban reports whether c is an account number of ISO 13616: a country, two
// check digits, as many places as that country has, and 1 as remainder by 97
// with the first four places put last (ISO/IEC 7064, MOD 97-10).
func iban(c []byte) bool {
	if len(c) < 15 || ibanLengths[string(c[:2])] != len(c) || !digit(c[2]) || !digit(c[3]) {
		return false
	}
	rest := 0
	for i := range c {
		x := c[(i+4)%len(c)]
		if digit(x) {
			rest = (rest*10 + int(x-'0')) % 97
		} else {
			rest = (rest*100 + int(x-'A') + 10) % 97
		}
	}
	return rest == 1
}

// card reports whether c is a card number (ISO/IEC 7812-1): of a length and
// range of a network, and right by its check digit.
func card(c []byte) bool {
	if len(c) < 14 || len(c) > 19 {
		return false
	}
	two, four := value(c[:2]), value(c[:4])
	network := false
	switch len(c) {
	case 14: // Diners Club
		network = four/10 >= 300 && four/10 <= 305 || two == 36 || two == 38
	case 15: // American Express
		network = two == 34 || two == 37
	case 16: // Visa, Mastercard, Discover, JCB, UnionPay
		network = c[0] == '4' || two >= 51 && two <= 55 || four >= 2221 && four <= 2720 || four == 6011 || two == 65 ||
			four >= 3528 && four <= 3589 || two == 62
	case 19:
		network = c[0] == '4' || two == 62
	}
	return network && luhn(c)
}

// cardShape reports whether a number is written as on a card.
func cardShape(shape string) bool {
	switch shape {
	case "9999 9999 9999 9999", "9999-9999-9999-9999", "9999 999999 99999", "9999-999999-99999", "9999 999999 9999":
		return true
	}
	return false
}
