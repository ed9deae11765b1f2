package journal

// Objects are the objects of a sent message as the records of many frames tell of
// them: what was decided for an audience is checked and encoded once. They are
// immutable.
type Objects struct {
	list    []SentObject
	text    []byte
	unfit   bool
	left    bool // one of them has the verdict to go
	grounds int  // how many the list of a record must have
}

// ShareObjects checks and encodes objects, which must not be changed any more.
func ShareObjects(list []SentObject) (*Objects, error) {
	o := &Objects{list: list}
	e := encoder{b: make([]byte, 0, 256*len(list)+2)}
	e.begin('[')
	for i := range list {
		x := &list[i]
		if err := x.check(true); err != nil {
			return nil, err
		}
		o.left = o.left || x.goes()
		for _, g := range x.Grounds {
			if g < 0 {
				return nil, badGround()
			}
			o.grounds = max(o.grounds, g+1)
		}
		e.object(x)
	}
	e.end(']')
	o.text, o.unfit = e.b, e.unfit
	return o, nil
}

// In returns a message with these objects.
func (o *Objects) In(m SentMessage) SentMessage {
	m.Objects, m.shared = o.list, o
	return m
}

// check is what [SentObject.check] and the list of grounds ask of all of them.
func (o *Objects) check(left bool, grounds int) error {
	if o.left && !left {
		return badRecord("sent", "an object that stayed has the verdict to go")
	}
	if o.grounds > grounds {
		return badGround()
	}
	return nil
}

func badGround() error {
	return badRecord("sent", "an object left on a ground that is not in its list")
}
