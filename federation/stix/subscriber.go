package stix

// Records of a provider about its customers.

const (
	byIMSI     = "content: subscriber record (IMSI)"
	byIMEI     = "content: subscriber record (IMEI)"
	byMSISDN   = "content: subscriber record (MSISDN)"
	byICCID    = "content: subscriber record (ICCID)"
	byCustomer = "content: subscriber record (customer or contract number)"
	byCalls    = "content: call record"
)

// subscriber finds the numbers by which a provider knows a customer, a SIM card
// or a handset.
func (d *detector) subscriber(n *number) {
	if !n.whole {
		return
	}
	size := len(n.compact)
	if n.letters == 0 {
		switch {
		case (size == 14 || size == 15) && plausibleIMSI(n.compact) && d.announced(n, aboutIMSI):
			d.note(subscriberRecord, sure, byIMSI)
		case (size == 15 && luhn(n.compact) || size == 16) && d.announced(n, aboutIMEI):
			d.note(subscriberRecord, sure, byIMEI)
		case size >= 8 && size <= 15 && d.announced(n, aboutMSISDN): // ITU-T E.164: 15 at most
			d.note(subscriberRecord, sure, byMSISDN)
		case (size == 19 || size == 20) && n.compact[0] == '8' && n.compact[1] == '9' && luhn(n.compact):
			s := nothing // ITU-T E.118: 89 for telecommunication
			if d.announced(n, aboutICCID) {
				s = sure
			} else if n.alone && n.plain() {
				s = unsure
			}
			d.note(subscriberRecord, s, byICCID)
		}
		if size >= 7 {
			d.party = true // may be a telephone number
		}
	}
	if size-n.letters >= 4 && n.letters <= 4 && d.close(n, aboutCustomer) {
		d.note(subscriberRecord, sure, byCustomer)
	}
}

// plausibleIMSI goes by the mobile country code (ITU-T E.212: the first digit
// is the zone, 2 to 7, or 9 for what is in several countries).
func plausibleIMSI(c []byte) bool { return c[0] >= '2' && c[0] <= '7' || c[0] == '9' }

// calls finds who called whom and for how long: two of these by their words,
// and a number.
func (d *detector) calls() {
	said := 0
	for _, t := range [...]topic{aboutCaller, aboutCallee, aboutCallTime} {
		if d.spoken&(1<<t) != 0 {
			said++
		}
	}
	if said >= 2 && d.party {
		d.note(callRecord, sure, byCalls)
	}
}
