package stix

import "bytes"

const (
	byPrice = "content: amount of money beside words of a tariff, an offer or a contract"
	byPlan  = "content: words about prices or plans"
)

// priceNear is how close an amount and the word that makes it a price have to
// be; crimeNear how close a word of crime makes it the price of crime.
const (
	priceNear = 64
	crimeNear = 200
)

// prices finds what competitors must not tell each other: amounts of money
// beside words of a tariff, an offer or a contract, and words of price lists and
// plans alone, which are unsure. What an attacker asks for, as ransom or for
// malware, is intelligence: an amount there counts only beside a word that
// speaks of contracts or tariffs, and then as unsure.
func (d *detector) prices(text []byte) {
	const words = 1<<aboutTariff | 1<<aboutOffer | 1<<aboutPlan
	if d.spoken&words == 0 {
		return
	}
	if d.digits > 0 {
		amounts(text, func(start, end int) {
			crime := d.near(aboutCrime, start, end, crimeNear)
			switch {
			case d.near(aboutTariff, start, end, priceNear):
				s := sure
				if crime {
					s = unsure
				}
				d.note(price, s, byPrice)
			case d.near(aboutOffer, start, end, priceNear) && !crime:
				d.note(price, sure, byPrice)
			}
		})
	}
	for _, h := range d.hits {
		if h.topic == aboutPlan && !d.near(aboutCrime, h.start, h.end, crimeNear) {
			d.note(price, unsure, byPlan)
		}
	}
}

// near reports whether a word of a topic is no further away than that.
func (d *detector) near(t topic, start, end, most int) bool {
	if d.spoken&(1<<t) == 0 {
		return false
	}
	for _, h := range d.around(start, end, most) {
		if h.topic == t && h.start-end <= most && start-h.end <= most {
			return true
		}
	}
	return false
}

// signs are currency signs, codes (ISO 4217) and short names, as they stand
// beside amounts.
var signs = [...]string{"€", "$", "£", "¥", "￥", "₹", "₩", "₽", "₴", "zł", "kr", "円", "元", "원",
	"EUR", "USD", "GBP", "JPY", "PLN", "CHF", "SEK", "NOK", "DKK", "CZK", "HUF", "RON", "BGN", "UAH", "RUB", "TRY", "BRL", "INR",
	"CNY", "KRW", "CAD", "AUD", "NZD", "SGD", "Euro", "euro", "Franken", "dollars", "yen"}

// amounts calls f with the bounds of each number in text that a currency stands
// beside.
func amounts(text []byte, f func(start, end int)) {
	for i := 0; i < len(text); i++ {
		if !digit(text[i]) {
			continue
		}
		end := i
		for end < len(text) && (digit(text[end]) || end+1 < len(text) && bytes.IndexByte([]byte(".,' "), text[end]) >= 0 && digit(text[end+1])) {
			end++
		}
		before := signBefore(text[:i])
		if before || (i == 0 || !alnum(text[i-1])) && signAfter(text[end:]) {
			f(i, end)
		}
		i = end
	}
}

func signBefore(text []byte) bool {
	text = bytes.TrimSuffix(text, []byte(" "))
	for _, s := range signs {
		if len(text) >= len(s) && string(text[len(text)-len(s):]) == s && (s[0] >= 0x80 || !alnum(s[0]) || len(text) == len(s) || !alnum(text[len(text)-len(s)-1])) {
			return true
		}
	}
	return false
}

func signAfter(text []byte) bool {
	text = bytes.TrimPrefix(text, []byte(" "))
	for _, s := range signs {
		if len(text) >= len(s) && string(text[:len(s)]) == s && (!alnum(s[0]) || len(text) == len(s) || !alnum(text[len(s)])) {
			return true
		}
	}
	return false
}
