package stix

import "bytes"

// Check digits of numbers by which states know people; see [nationalIDs] for
// where they come from. Each takes the number without separators, letters in
// upper case, and of a shape that the table lists.

// weighted returns the sum of the products of digits and weights.
func weighted(c []byte, weights ...int) (sum int) {
	for i, w := range weights {
		sum += int(c[i]-'0') * w
	}
	return sum
}

func value(c []byte) (n int) {
	for _, d := range c {
		n = n*10 + int(d-'0')
	}
	return n
}

// dayOf reports whether two digits each are a month and a day.
func dayOf(month, day []byte) bool {
	m, d := value(month), value(day)
	return m >= 1 && m <= 12 && d >= 1 && d <= 31
}

// luhn is the check of ISO/IEC 7812-1 annex B.
func luhn(c []byte) bool {
	sum := 0
	for i := range c {
		d := int(c[len(c)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

func steuerID(c []byte) bool {
	var times [10]int
	for _, d := range c[:10] {
		times[d-'0']++
	}
	repeated := 0
	for _, n := range times {
		switch {
		case n > 3:
			return false
		case n > 1:
			repeated++
		}
	}
	if c[0] == '0' || repeated != 1 {
		return false
	}
	product := 10
	for _, d := range c[:10] {
		sum := (int(d-'0') + product) % 10
		if sum == 0 {
			sum = 10
		}
		product = sum * 2 % 11
	}
	return (11-product)%10 == int(c[10]-'0')
}

func pensionNumber(c []byte) bool {
	letter := int(c[8]-'A') + 1
	plain := append(append(bytes.Clone(c[:8]), byte('0'+letter/10), byte('0'+letter%10)), c[9:11]...)
	sum := 0
	for i, w := range [...]int{2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1} {
		p := int(plain[i]-'0') * w
		sum += p/10 + p%10
	}
	day := value(c[2:4])
	return sum%10 == int(c[11]-'0') && day >= 1 && value(c[4:6]) >= 1 && value(c[4:6]) <= 12
}

func pesel(c []byte) bool {
	month := value(c[2:4]) % 20 // the century is added to it: 80 for 18.., 20 for 20..
	day := value(c[4:6])
	return month >= 1 && month <= 12 && day >= 1 && day <= 31 &&
		(weighted(c, 1, 3, 7, 9, 1, 3, 7, 9, 1, 3)+int(c[10]-'0'))%10 == 0
}

func nir(c []byte) bool {
	if bytes.IndexByte([]byte("123478"), c[0]) < 0 {
		return false
	}
	month := value(c[3:5])
	if month < 1 || month > 12 && month < 20 || month > 42 && month < 50 { // 20 and more: not known
		return false
	}
	plain, less := bytes.Clone(c[:13]), 0
	switch c[6] { // Corsica
	case 'A':
		plain[6], less = '0', 1_000_000
	case 'B':
		plain[6], less = '0', 2_000_000
	}
	if !digit(plain[6]) || plain[6] != c[6] && c[5] != '2' {
		return false
	}
	return 97-(value(plain)-less)%97 == value(c[13:])
}

func codiceFiscale(c []byte) bool {
	odd := [...]int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23}
	sum := 0
	for i, x := range c[:15] {
		v := int(x - 'A')
		if digit(x) {
			v = int(x - '0')
		}
		if i%2 == 0 {
			v = odd[v]
		}
		sum += v
	}
	day := value(c[9:11]) % 40 // women: 40 more
	return byte('A'+sum%26) == c[15] && bytes.IndexByte([]byte("ABCDEHLMPRST"), c[8]) >= 0 && day >= 1 && day <= 31
}

const dniLetters = "TRWAGMYFPDXBNJZSQVHLCKE"

func dni(c []byte) bool { return dniLetters[value(c[:8])%23] == c[8] }

func nie(c []byte) bool {
	first := bytes.IndexByte([]byte("XYZ"), c[0])
	return first >= 0 && dniLetters[(first*10_000_000+value(c[1:8]))%23] == c[8]
}

func bsn(c []byte) bool {
	return weighted(c, 9, 8, 7, 6, 5, 4, 3, 2, -1)%11 == 0 && value(c) != 0
}

func personnummer(c []byte) bool {
	c = c[len(c)-10:]
	day := value(c[4:6]) % 60 // a coordination number adds 60
	m := value(c[2:4])
	return m >= 1 && m <= 12 && day >= 1 && day <= 31 && luhn(c)
}

func fodselsnummer(c []byte) bool {
	day := value(c[:2]) % 40 // a D-number adds 40
	m := value(c[2:4])
	return day >= 1 && day <= 31 && m >= 1 && m <= 12 &&
		weighted(c, 3, 7, 6, 1, 8, 9, 4, 5, 2, 1)%11 == 0 && weighted(c, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
}

func hetu(c []byte) bool {
	sign := byte('-')
	if len(c) == 11 { // a letter between is part of it
		sign = c[6]
		c = append(bytes.Clone(c[:6]), c[7:]...)
	}
	if bytes.IndexByte([]byte("-ABCDEFUVWXY"), sign) < 0 || !dayOf(c[2:4], c[:2]) || value(c[6:9]) < 2 {
		return false
	}
	return "0123456789ABCDEFHJKLMNPRSTUVWXY"[value(c[:9])%31] == c[9]
}

func ssn(c []byte) bool {
	area := value(c[:3])
	return area != 0 && area != 666 && area < 900 && value(c[3:5]) != 0 && value(c[5:]) != 0
}

func nino(c []byte) bool {
	switch string(c[:2]) {
	case "BG", "GB", "KN", "NK", "NT", "TN", "ZZ":
		return false
	}
	return bytes.IndexByte([]byte("DFIQUV"), c[0]) < 0 && bytes.IndexByte([]byte("DFIOQUV"), c[1]) < 0 && c[8] >= 'A' && c[8] <= 'D'
}

func myNumber(c []byte) bool {
	rest := weighted(c, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2) % 11
	check := 0
	if rest > 1 {
		check = 11 - rest
	}
	return check == int(c[11]-'0')
}

func rrn(c []byte) bool { return dayOf(c[2:4], c[4:6]) && c[6] >= '1' && c[6] <= '8' }

func cpf(c []byte) bool {
	if bytes.Count(c, c[:1]) == len(c) {
		return false // passes, and is never given out
	}
	check := func(sum int) int {
		if r := sum * 10 % 11; r < 10 {
			return r
		}
		return 0
	}
	return check(weighted(c, 10, 9, 8, 7, 6, 5, 4, 3, 2)) == int(c[9]-'0') && check(weighted(c, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2)) == int(c[10]-'0')
}

func aadhaar(c []byte) bool { return c[0] > '1' && verhoeff(c) }

// verhoeff is the check of J. Verhoeff, Error Detecting Decimal Codes (1969):
// products in the dihedral group of ten elements, each digit permuted by its
// place.
func verhoeff(c []byte) bool {
	permute := [10]int{1, 5, 7, 6, 2, 8, 3, 0, 9, 4}
	sum := 0
	for i := range c {
		x := int(c[len(c)-1-i] - '0')
		for range i % 8 {
			x = permute[x]
		}
		sum = dihedral(sum, x)
	}
	return sum == 0
}

// dihedral multiplies in the group of the symmetries of a pentagon: 0 to 4 turn
// it, 5 to 9 turn it over.
func dihedral(a, b int) int {
	switch {
	case a < 5 && b < 5:
		return (a + b) % 5
	case a < 5:
		return 5 + (a+b-5)%5
	case b < 5:
		return 5 + (a-5-b+5)%5
	}
	return (a - b + 5) % 5
}

func residentID(c []byte) bool {
	region, century := value(c[:2]), value(c[6:8])
	if region < 11 || region > 82 || century < 18 || century > 20 || !dayOf(c[10:12], c[12:14]) {
		return false
	}
	return c[17] == "10X98765432"[weighted(c, 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)%11]
}
