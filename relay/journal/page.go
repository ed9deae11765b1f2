package journal

import (
	_ "embed"
	"html/template"
	"io"
	"time"
)

//go:embed page.html
var pageText string

// PageHead says what a page is about.
type PageHead struct {
	Node string
	Selection
	Made time.Time
	// Signed is the end of the journal as the node signed it, nil if it did not.
	Signed *SignedHead
}

// NewPage returns a sheet that is one HTML file, to be read in a browser and
// printed. It has no script and loads nothing.
func NewPage(w io.Writer, head PageHead) (Sheet, error) {
	t, err := template.New("page").Funcs(template.FuncMap{
		"time": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") },
	}).Parse(pageText)
	if err != nil {
		return nil, err
	}
	return &page{w, t}, t.ExecuteTemplate(w, "head", head)
}

type page struct {
	w io.Writer
	t *template.Template
}

func (p *page) Row(row *Row) error { return p.t.ExecuteTemplate(p.w, "row", row) }

func (p *page) End(t *Totals) error { return p.t.ExecuteTemplate(p.w, "end", t) }
