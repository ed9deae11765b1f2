package configs

import (
	"embed"
	"io/fs"
)

//go:embed schemes vocabularies policies jurisdictions agreements
var data embed.FS

// Schemes returns the shipped classification schemes and equivalence tables.
func Schemes() fs.FS { return sub("schemes") }

// Vocabularies returns the shipped words and alias lists.
func Vocabularies() fs.FS { return sub("vocabularies") }

// Policies returns the shipped sharing rules, their schema and examples.
func Policies() fs.FS { return sub("policies") }

// Jurisdictions returns the shipped facts of law.
func Jurisdictions() fs.FS { return sub("jurisdictions") }

// Agreements returns the sample agreements.
func Agreements() fs.FS { return sub("agreements") }

func sub(dir string) fs.FS {
	f, err := fs.Sub(data, dir)
	if err != nil {
		panic("configs: embedded folder " + dir + ": " + err.Error()) // dir is a constant of this file
	}
	return f
}
