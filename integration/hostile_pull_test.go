package integration

func cursorAttacks() []attack  { return nil }
func receiptAttacks() []attack { return nil }
func floodAttacks() []attack   { return nil }
