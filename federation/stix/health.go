package stix

const (
	byHealthWords = "content: words about somebody's health"
	byDiagnosis   = "content: code of a diagnosis"
)

// medicineNear is how close two words of medicine have to be.
const medicineNear = 80

// health finds data about somebody's health (GDPR Art. 4(15)). Words tell it
// only roughly, so nothing found here is sure. One word of medicine is not
// enough: hospitals are attacked, hosts are infected, and programs diagnosed.
func (d *detector) health() {
	if d.spoken&(1<<aboutHealth|1<<aboutMedicine) == 0 {
		return
	}
	for _, h := range d.hits {
		switch h.topic {
		case aboutHealth:
			d.note(healthData, unsure, byHealthWords)
		case aboutMedicine:
			for _, other := range d.around(h.start, h.end, medicineNear) {
				if (other.topic == aboutMedicine && other.word != h.word || other.topic == aboutDiagnosis) &&
					other.start-h.end <= medicineNear && h.start-other.end <= medicineNear {
					d.note(healthData, unsure, byHealthWords)
				}
			}
		}
	}
}

// diagnosis finds a code of the International Classification of Diseases (WHO,
// ICD-10: a letter, two digits, and up to two more after a point) that a word
// announces.
func (d *detector) diagnosis(n *number) {
	switch string(n.shape) {
	case "A99", "A99.9", "A99.99":
		if n.whole && !n.lower && d.close(n, aboutDiagnosis) {
			d.note(healthData, unsure, byDiagnosis)
		}
	}
}
