package stix
import ("testing";"fmt")
func TestZZ(t *testing.T){
 for _, s := range []string{"FAK BOK 63L67 S999V","FAK BAK 63L67 S999V","FAKBOK63L67S999V"} {
 text := []byte(s)
 var c []byte
 for _, x := range text { if alnum(x) { c = append(c, x) } }
 d := detector{}; d.begin(true); d.read(text); d.spoken |= 1<<aboutNational; d.told = 1<<aboutNational; d.text(text,nil)
 fmt.Println(s, codiceFiscale(c), d.found[nationalNumber])
 }
}
