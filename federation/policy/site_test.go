package policy

import (
	"reflect"
	"testing"
	"time"
)

// A node's own place is kept from one question to the next only while nothing
// about the node is different: every field of it is changed once.
func TestSiteIsTheNodesOwn(t *testing.T) {
	d := newDemo(t)
	made := func() *Node {
		return &Node{ID: "de-cert", Country: "DE", Kind: "authority", Sector: "energy", Storage: []string{"PL"},
			Accreditation: Accreditation{Authority: "A", ID: "1", Ceiling: []string{"de-vs/VS-NfD"}, Until: date(2029, 1, 1)}}
	}
	first := d.bundle.siteOf(made())
	if d.bundle.siteOf(made()) != first {
		t.Error("the same node is sealed again")
	}
	changed := 0
	for i := 0; ; i++ {
		n := made()
		left := i
		name := changeField(t, reflect.ValueOf(n).Elem(), &left)
		if name == "" {
			break
		}
		changed++
		d.bundle.siteOf(made())
		if got, want := d.bundle.siteOf(n).key, siteOf(n).key; got != want {
			t.Errorf("a node of another %s passes for the one before", name)
		}
	}
	if changed != 12 {
		t.Errorf("%d fields were changed", changed)
	}
}

// changeField changes the field of that number, counted through structs, and
// returns its name; "" if there are fewer.
func changeField(t *testing.T, v reflect.Value, number *int) string {
	for i := range v.NumField() {
		f := v.Field(i)
		if _, moment := f.Interface().(time.Time); f.Kind() == reflect.Struct && !moment {
			if name := changeField(t, f, number); name != "" {
				return name
			}
			continue
		}
		if *number--; *number >= 0 {
			continue
		}
		switch x := f.Addr().Interface().(type) {
		case *string:
			*x += "x"
		case *bool:
			*x = !*x
		case *[]string:
			*x = append([]string{"FR"}, *x...)
		case *time.Time:
			*x = x.Add(time.Second)
		default:
			t.Fatalf("%s is of a type that this test cannot change", v.Type().Field(i).Name)
		}
		return v.Type().Field(i).Name
	}
	return ""
}
