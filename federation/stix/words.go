package stix

import "strings"

// Topics of the words that detectors go by.
const (
	aboutPhone    topic = iota // see hasPhone
	aboutNational              // announces any national number
	aboutGerman
	aboutPension
	aboutPolish
	aboutFrench
	aboutItalian
	aboutSpanish
	aboutDutch
	aboutNordic
	aboutFinnish
	aboutAmerican
	aboutBritish
	aboutJapanese
	aboutKorean
	aboutBrazilian
	aboutIndian
	aboutChinese
	aboutDocument // passports and identity cards
	aboutCard
	aboutBank
	aboutIMSI
	aboutIMEI
	aboutMSISDN
	aboutICCID
	aboutCustomer
	aboutCaller
	aboutCallee
	aboutCallTime
	aboutHealth    // says something of a person's health by itself
	aboutMedicine  // does so only with another of its kind
	aboutDiagnosis // announces a code
	aboutTariff
	aboutOffer
	aboutPlan // commercial without an amount
	aboutCrime
	aboutVictim
	aboutAttacker
	topics // how many there are
)

// wordList lists words of one topic in lower case, by commas; see [lexicon].
type wordList struct {
	topic topic
	words string
}

// detectorWords is what all detectors look for, found in one pass. It is never
// written to after it is made.
var detectorWords = newLexicon([]wordList{
	{aboutPhone, strings.Join(phoneWords[:], ",")},
	{aboutNational, "national id, national identi, identity number, id number., citizen id, personal id., personal identi, identification number"},
	{aboutGerman, "steuer id, steuerid, idnr, identifikationsnummer, steuernummer, tax id"},
	{aboutPension, "sozialversicherung, rentenversicherung, versicherungsnummer, rvnr, sv nummer"},
	{aboutPolish, "pesel"},
	{aboutFrench, "numéro de sécurité sociale, numero de securite sociale, sécurité sociale, securite sociale, insee, nir., n° sécu"},
	{aboutItalian, "codice fiscale"},
	{aboutSpanish, "dni., nif., documento nacional, número de extranjero"},
	{aboutDutch, "bsn., burgerservicenummer, sofinummer"},
	{aboutNordic, "personnummer, fødselsnummer, fodselsnummer, fnr., samordningsnummer, d nummer."},
	{aboutFinnish, "henkilötunnus, henkilotunnus, hetu."},
	{aboutAmerican, "ssn, social security"},
	{aboutBritish, "ni number, nino., national insurance"},
	{aboutJapanese, "my number, マイナンバー, 個人番号"},
	{aboutKorean, "주민등록번호, 주민번호, resident registration"},
	{aboutBrazilian, "cpf."},
	{aboutIndian, "aadhaar, aadhar., आधार, uidai"},
	{aboutChinese, "身份证, 身分證, 身份號碼, resident identity"},
	{aboutDocument, `passport n, passport:, passport., reisepass, personalausweis, ausweisnummer, dowód osobisty, dowodu osobistego, paszport,
		passeport, carte d'identité, pasaporte, passaporto, carta d'identità, identity card n, id card n, パスポート, 旅券番号, 護照, 护照, 여권번호`},
	{aboutCard, `card number, card no, credit card, debit card, kreditkarte, kartennummer, karta kredytowa, numer karty, karty kredytowej,
		carte bancaire, carte bleue, numéro de carte, tarjeta de crédito, carta di credito, カード番号, クレジットカード, visa., mastercard, amex`},
	{aboutBank, `iban, bank account, kontonummer, bankverbindung, konto nr, numer konta, rachunek bankowy, rachunku bankowego, nr rachunku,
		numéro de compte bancaire, compte bancaire, cuenta bancaria, conto corrente, routing number, sort code, 口座番号`},
	{aboutIMSI, "imsi"},
	{aboutIMEI, "imei"},
	{aboutMSISDN, "msisdn"},
	{aboutICCID, "iccid, sim card n, sim serial, sim kartennummer"},
	{aboutCustomer, `customer number., customer no., customer id., client number., account number., account no., contract number.,
		contract no., subscriber id., subscriber number., subscriber no., kundennummer., kunden nr., vertragsnummer.,
		teilnehmernummer., numer klienta., nr klienta., numer umowy., nr umowy., numer abonenta., numéro de client.,
		numéro d'abonné., numéro de contrat., numéro client., número de cliente., numero cliente., お客様番号, 顧客番号, 契約番号,
		加入者番号`},
	{aboutCaller, `caller, calling party, calling number, a number., anrufer, dzwoniący, numer dzwoniący, appelant, 発信者, 発信番号`},
	{aboutCallee, `callee, called party, called number, dialled, dialed, b number., angerufen, wybrany numer, appelé., 着信者, 着信番号`},
	{aboutCallTime, `duration, call start, call time, cell id, dauer., gesprächsdauer, czas trwania, durée, 通話時間`},
	{aboutHealth, `hiv positive, tested positive for hiv, blood type, blood group, sick leave, chemotherapy, is pregnant,
		medical certificate, allergic to, krankgeschrieben, krankschreibung, arbeitsunfähig, blutgruppe, schwanger, chemotherapie,
		diagnostiziert mit, zwolnienie lekarskie, zwolnieniu lekarskim, grupa krwi, jest w ciąży, u pacjenta, séropositi, arrêt maladie,
		groupe sanguin, chimiothérapie, diagnostiqué avec, 血液型, 病歴, 妊娠中, 診断書, 服薬`},
	{aboutMedicine, `patient., patient's, medication, disease, illness, prescription, therapy, surgery, symptoms, asthma, diabetes, diabetic, cancer, epilepsy, hepatitis, depression,
		patientin., krebs., krebskrank, depressionen, cukrzyc, nowotw, padaczk, diabète, épilepsie, 糖尿病, 喘息,
		medikament, erkrankung, krankheit, therapie, pacjent, choroba, chorob, lekarz, leczeni, recepta, patiente.,
		maladie, médicament, médecin, ordonnance, 患者, 病気, 処方, 治療`},
	{aboutDiagnosis, "icd, diagnosis, diagnose., diagnosed, rozpoznanie, diagnostic., diagnoza, 診断"},
	{aboutTariff, `tariff, wholesale, discount, contract., contract value, price list, pricing, roaming rate, rate card, profit margin, per subscriber,
		tarif, rabatt, preisliste, vertrag, großhandel, taryf, cennik, rabat., umowa, umowy, hurtow, remise, contrat., contrats., grille tarifaire,
		料金, 契約, 割引, 卸売`},
	{aboutOffer, `offer., offers., offered, quotation, price, subscription, per month, monthly fee, angebot, preis., preise., monatlich,
		oferta, oferty, cena., ceny., miesięcznie, offre., offres., prix., par mois, 価格, 見積, 月額`},
	{aboutPlan, `price list, rate card, tariff plan, pricing strategy, pricing plan, market share, price increase, planned tariff, preisliste,
		tarifmodell, preiserhöhung, marktanteil, geschäftsplan, cennik, podwyżka cen, udział w rynku, grille tarifaire, part de marché,
		hausse de prix, 料金表, 値上げ, 市場シェア`},
	{aboutCrime, `ransom, stealer, malware, infect, attack, criminal, cybercrim, illicit, steal, leaked, compromised, telegram, botnet, exploit, loader, trojan, crimeware, phish, dark web, darknet, underground, forum, extort,
		erpress, lösegeld, okup, rançon, 身代金, ddos, bitcoin, btc., monero, fraud, scam, hacker, stolen, carding, as a service`},
	{aboutVictim, `victim, opfer, geschädigt, betroffene, ofiar, poszkodowan, victime, víctima, vittima, slachtoffer, 被害, compromised host,
		compromised machine, infected host, infected client, infected machine, infected computer, patient zero, customer's, targeted host`},
	{aboutAttacker, `attacker, c2, c&c, command and control, angreifer, steuerserver, malicious, scanner, botnet, napastnik, attaquant, 攻撃,
		指令, threat actor, beacon, exfiltrat, payload, dropper, phishing, hosted on, resolves to`},
})
