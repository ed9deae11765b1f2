package stix

// nationalID is a number by which a state knows a person. What it looks like
// and how its check digit is computed come from the source named; a shape with
// a weak check counts only when a word announces it.
type nationalID struct {
	evidence string
	announce topic
	shapes   []string // see number.shape
	check    func(c []byte) bool
	alone    strength // what it is when nothing announces it
}

// strength is how sure a finding is.
type strength uint8

const (
	nothing strength = iota
	unsure
	sure
)

// nationalIDs lists the numbers that are looked for. It is never written to
// after it is made.
var nationalIDs = []nationalID{
	// Germany: Abgabenordnung § 139b, ten digits and a check digit (ISO/IEC
	// 7064, MOD 11,10), one of the ten twice or three times.
	{"content: national id (DE Steuer-ID)", aboutGerman, []string{"99999999999", "99 999 999 999"}, steuerID, unsure},
	// Germany: number of the pension insurance, Sozialgesetzbuch VI § 147.
	{"content: national id (DE pension insurance)", aboutPension, []string{"99999999A999", "99 999999 A 999"}, pensionNumber, unsure},
	// Poland: act on population registration of 24 September 2010.
	{"content: national id (PL PESEL)", aboutPolish, []string{"99999999999"}, pesel, unsure},
	// France: décret n° 82-103 of 22 January 1982, thirteen places and a key
	// of two, 97 minus the remainder by 97.
	{"content: national id (FR NIR)", aboutFrench, []string{"999999999999999", "9 99 99 99 999 999 99",
		"9 99 99 9A 999 999 99", "999999A99999999"}, nir, unsure},
	// Italy: ministerial decree of 23 December 1976.
	{"content: national id (IT codice fiscale)", aboutItalian, []string{"AAAAAA99A99A999A", "AAA AAA 99A99 A999A"}, codiceFiscale, sure},
	// Spain: the letter of the DNI and the NIE, by the remainder by 23.
	{"content: national id (ES DNI)", aboutSpanish, []string{"99999999A", "99999999-A"}, dni, unsure},
	{"content: national id (ES NIE)", aboutSpanish, []string{"A9999999A", "A-9999999-A"}, nie, unsure},
	// Netherlands: Wet algemene bepalingen burgerservicenummer, the "elfproef".
	{"content: national id (NL BSN)", aboutDutch, []string{"999999999", "9999.99.999"}, bsn, nothing},
	// Sweden: folkbokföringslagen (1991:481) § 18; check digit by Luhn.
	{"content: national id (SE personnummer)", aboutNordic, []string{"999999-9999", "999999+9999", "99999999-9999"}, personnummer, unsure},
	{"content: national id (SE personnummer)", aboutNordic, []string{"9999999999", "999999999999"}, personnummer, nothing},
	// Norway: two check digits, each by the remainder by 11.
	{"content: national id (NO fødselsnummer)", aboutNordic, []string{"99999999999", "999999 99999"}, fodselsnummer, unsure},
	// Finland: act 661/2009 on the population information system; the last
	// place by the remainder by 31, the sign between says the century.
	{"content: national id (FI henkilötunnus)", aboutFinnish, []string{"999999-9999", "999999+9999", "999999A9999"}, hetu, unsure},
	{"content: national id (FI henkilötunnus)", aboutFinnish, []string{"999999-999A", "999999+999A", "999999A999A"}, hetu, sure},
	// United States: the form of the Social Security Administration since
	// 2011; there is no check digit.
	{"content: national id (US SSN)", aboutAmerican, []string{"999-99-9999", "999 99 9999"}, ssn, unsure},
	{"content: national id (US SSN)", aboutAmerican, []string{"999999999"}, ssn, nothing},
	// United Kingdom: HM Revenue and Customs, form of the National Insurance
	// number; there is no check digit.
	{"content: national id (GB National Insurance)", aboutBritish, []string{"AA 99 99 99 A"}, nino, unsure},
	{"content: national id (GB National Insurance)", aboutBritish, []string{"AA999999A", "AA 999999 A"}, nino, nothing},
	// Japan: check digit by ordinance 85 of 2014 of the Ministry of Internal
	// Affairs and Communications.
	{"content: national id (JP My Number)", aboutJapanese, []string{"999999999999", "9999 9999 9999", "9999-9999-9999"}, myNumber, nothing},
	// South Korea: date of birth and a digit for century and sex. Numbers given
	// out since October 2020 have no check digit.
	{"content: national id (KR resident registration)", aboutKorean, []string{"999999-9999999"}, rrn, unsure},
	{"content: national id (KR resident registration)", aboutKorean, []string{"9999999999999"}, rrn, nothing},
	// Brazil: two check digits, each by the remainder by 11.
	{"content: national id (BR CPF)", aboutBrazilian, []string{"999.999.999-99"}, cpf, sure},
	{"content: national id (BR CPF)", aboutBrazilian, []string{"99999999999", "999999999-99"}, cpf, unsure},
	// India: check digit by Verhoeff; none begins with 0 or 1.
	{"content: national id (IN Aadhaar)", aboutIndian, []string{"9999 9999 9999", "9999-9999-9999"}, aadhaar, unsure},
	{"content: national id (IN Aadhaar)", aboutIndian, []string{"999999999999"}, aadhaar, nothing},
	// China: GB 11643-1999; check character by ISO/IEC 7064, MOD 11-2.
	{"content: national id (CN resident id)", aboutChinese, []string{"999999999999999999", "99999999999999999A"}, residentID, sure},
}

// nationalByShape is nationalIDs by shape.
var nationalByShape = func() map[string][]nationalID {
	m := map[string][]nationalID{}
	for _, id := range nationalIDs {
		for _, s := range id.shapes {
			m[s] = append(m[s], id)
		}
	}
	return m
}()

const byDocument = "content: national id (number of a document)"

// national finds numbers by which a state knows a person.
func (d *detector) national(n *number) {
	for _, id := range nationalByShape[string(n.shape)] {
		if !n.whole || !id.check(n.compact) {
			continue
		}
		s := nothing
		switch {
		case d.announced(n, id.announce) || d.announced(n, aboutNational):
			s = sure
		case n.alone && !n.lower:
			s = id.alone
		}
		d.note(nationalNumber, s, id.evidence)
	}
	// The numbers of passports and identity cards have no common form; ICAO Doc
	// 9303 gives them nine places, letters and digits.
	if size := len(n.compact); size >= 8 && size <= 10 && n.plain() && n.whole && !n.lower &&
		size-n.letters >= 5 && !(n.letters == 0 && dateOf(n.compact)) && d.close(n, aboutDocument) {
		d.note(nationalNumber, sure, byDocument)
	}
}

// dateOf reports whether eight digits are a year of these times, a month and a
// day.
func dateOf(c []byte) bool {
	return len(c) == 8 && (string(c[:2]) == "19" || string(c[:2]) == "20") && dayOf(c[4:6], c[6:8])
}
