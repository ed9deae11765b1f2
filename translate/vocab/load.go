package vocab

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/entente-relay/entente/translate"
	"github.com/entente-relay/entente/translate/language"
)

// Limits bound what is read before it is decoded.
type Limits struct {
	// FileBytes is the largest file; the largest public galaxy has 3.8 MB.
	FileBytes int64
	// TotalBytes is the largest sum of all files.
	TotalBytes int64
	// Entries is the largest number of rows, clusters or terms in one file.
	Entries int
}

// DefaultLimits are those of [Load].
func DefaultLimits() Limits {
	return Limits{FileBytes: 16 << 20, TotalBytes: 128 << 20, Entries: 200_000}
}

// Options change how vocabularies are loaded. The zero value serves.
type Options struct {
	// Limits; zero fields take those of [DefaultLimits].
	Limits Limits
	// Rules say which languages may stand in for another.
	Rules language.Rules
}

// Load reads every vocabulary in the root of fsys and joins them. The order of
// precedence is that of vocabularies.yaml, then of file names.
func Load(fsys fs.FS) (*translate.Dictionary, error) { return Options{}.Load(fsys) }

// Load reads the vocabularies in the roots of several folders, the first
// folder taking precedence: an operator's before those that ship. Every fault
// of every file is listed; with any fault there is no dictionary.
func (o Options) Load(folders ...fs.FS) (*translate.Dictionary, error) {
	l := loader{limits: o.Limits.orDefault(), producers: map[string]string{}}
	for _, f := range folders {
		l.folder(f)
	}
	l.parse()
	if len(l.errs) > 0 {
		return nil, errors.Join(l.errs...)
	}
	return translate.New(l.vocabularies, o.Rules)
}

// orDefault fills in the limits that are not stated.
func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	if l.FileBytes <= 0 {
		l.FileBytes = d.FileBytes
	}
	if l.TotalBytes <= 0 {
		l.TotalBytes = d.TotalBytes
	}
	if l.Entries <= 0 {
		l.Entries = d.Entries
	}
	return l
}

// loader gathers files, then reads them in order.
type loader struct {
	limits       Limits
	files        []source
	total        int64
	producers    map[string]string // UUID → name, from a galaxy of type producer
	vocabularies []translate.Vocabulary
	errs         []error
}

// source is one file with what the manifest says of it.
type source struct {
	manifestFile
	data   []byte
	digest string
	doc    *document // JSON only
}

// folder reads the files of one folder into memory, within the limits.
func (l *loader) folder(fsys fs.FS) {
	listed, err := readManifest(fsys)
	if err != nil {
		l.errs = append(l.errs, err)
		return
	}
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		l.errs = append(l.errs, fmt.Errorf("vocabularies: %w", err))
		return
	}
	for _, e := range entries {
		if name := e.Name(); !slices.ContainsFunc(listed, func(m manifestFile) bool { return m.File == name }) && !ignored(name) {
			listed = append(listed, manifestFile{File: name})
		}
	}
	for _, m := range listed {
		l.file(fsys, m)
	}
}

// ignored tells which files of a folder are no vocabularies.
func ignored(name string) bool {
	switch path.Ext(name) {
	case ".md", ".txt", "":
		return true
	}
	return name == ManifestFile || strings.HasPrefix(name, ".")
}

// file reads one file into memory.
func (l *loader) file(fsys fs.FS, m manifestFile) {
	fail := func(detail, hint string) {
		l.errs = append(l.errs, &Error{File: m.File, Detail: detail, Hint: hint})
	}
	f, err := fsys.Open(m.File)
	if err != nil {
		fail("cannot be opened: "+err.Error(), "")
		return
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, l.limits.FileBytes+1))
	l.total += int64(len(data))
	switch {
	case err != nil:
		fail("cannot be read: "+err.Error(), "")
	case int64(len(data)) > l.limits.FileBytes:
		fail(fmt.Sprintf("over %d bytes", l.limits.FileBytes), "split the file or load less of it")
	case l.total > l.limits.TotalBytes:
		fail(fmt.Sprintf("all files together are over %d bytes", l.limits.TotalBytes), "load fewer files")
	default:
		sum := sha256.Sum256(data)
		l.files = append(l.files, source{manifestFile: m, data: data, digest: "sha256:" + hex.EncodeToString(sum[:])})
	}
}

// parse reads all files in their order. The producer galaxy comes first, since
// others name their producers by its UUIDs.
func (l *loader) parse() {
	for i := range l.files {
		f := &l.files[i]
		if path.Ext(f.File) != ".json" {
			continue
		}
		flt := &faults{file: f.File}
		f.doc = readDocument(f.data, flt)
		if f.doc != nil && f.doc.text("type") == producerGalaxy {
			l.readProducers(f, flt)
			f.doc = nil
		}
		l.errs = append(l.errs, flt.errs...)
	}
	for i := range l.files {
		l.one(&l.files[i])
	}
}

// one reads one file by what it is.
func (l *loader) one(f *source) {
	flt := &faults{file: f.File}
	var vs []translate.Vocabulary
	switch ext := path.Ext(f.File); {
	case f.doc != nil && f.doc.has("namespace"):
		vs = l.readMachinetag(f, flt)
	case f.doc != nil && f.doc.has("values"):
		vs = l.readGalaxy(f, flt)
	case f.doc != nil:
		flt.add(0, "neither a MISP galaxy (type, values) nor a machinetag file (namespace, predicates)", "load one of these, or CSV")
	case ext == ".csv":
		vs = l.readCSV(f, flt)
	case ext != ".json":
		flt.add(0, "format "+ext+" is not read", "use MISP galaxy or machinetag JSON, or CSV")
	}
	for i := range vs {
		checkWords(&vs[i], flt)
		vs[i].Digest, vs[i].File = f.digest, f.File
		if f.Name != "" {
			vs[i].Name = f.Name
		}
		vs[i].Licence = f.Licence
	}
	l.errs = append(l.errs, flt.errs...)
	l.vocabularies = append(l.vocabularies, vs...)
}

// checkWords refuses a vocabulary that would translate what is no word:
// indicators, and TLP and PAP labels, which FIRST keeps as they are in every
// language (TLP 2.0, "TLP labels"). Such a row could only do harm.
func checkWords(v *translate.Vocabulary, flt *faults) {
	refuse := func(text, at string) {
		if kind, is := language.Indicator(text); is {
			flt.errs = append(flt.errs, fmt.Errorf("%s: %q is an indicator or label (%s), which is never translated: remove the row", at, text, kind))
		}
	}
	for _, c := range v.Concepts {
		refuse(cmp.Or(c.Term, c.ID), c.Where)
		for _, l := range c.Labels {
			refuse(l.Text, l.Where)
		}
	}
	for _, m := range v.Mappings {
		refuse(m.From.ID, m.Where)
		refuse(m.To.ID, m.Where)
	}
}

// lineAt returns the line, from 1, of a byte offset.
func lineAt(data []byte, offset int) int {
	return 1 + bytes.Count(data[:min(max(offset, 0), len(data))], []byte{'\n'})
}
