package configs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// Version is the version of the configuration file this build writes and the
// newest it reads.
const Version = 1

// Node is the content of entente.yaml. Every key is documented where Template
// writes it; unknown keys are refused with line, column and a hint.
type Node struct {
	Version       int           `yaml:"version"`
	Node          Identity      `yaml:"node"`
	Data          string        `yaml:"data"`
	Keys          Keys          `yaml:"keys"`
	Listen        Listen        `yaml:"listen"`
	External      *External     `yaml:"external"`
	Storage       []string      `yaml:"storage"`
	Accreditation Accreditation `yaml:"accreditation"`
	Accept        []string      `yaml:"accept"`
	Reviewed      []Review      `yaml:"reviewed"`
	Approvers     []Approver    `yaml:"approvers"`
	Quarantine    Quarantine    `yaml:"quarantine"`
	Profiles      []Profile     `yaml:"profiles"`
	Decoys        int           `yaml:"decoys"`
	Generalise    Generalise    `yaml:"generalise"`
	Journal       Journal       `yaml:"journal"`
	Retention     Retention     `yaml:"retention"`
	Language      string        `yaml:"language"`
	Dirs          Dirs          `yaml:"dirs"`

	// Path is the file this was read from; relative paths in it are taken
	// from its folder.
	Path string `yaml:"-"`
}

// Identity says who the node is.
type Identity struct {
	ID      string `yaml:"id"`
	Name    string `yaml:"name"`
	Country string `yaml:"country"`
	// Kind is what the operator is in law, as in an agreement; Sector its field.
	// Empty is not known.
	Kind   string `yaml:"kind"`
	Sector string `yaml:"sector"`
	// PublicProvider says whether the operator provides communications to the
	// public; nil is not stated.
	PublicProvider *bool `yaml:"public_provider"`
}

// Keys says where keys are that do not lie under Data.
type Keys struct {
	// Signer is the Unix socket of a program that holds the message key; empty
	// takes the key file.
	Signer string `yaml:"signer"`
}

// Listen holds the addresses a node opens. An empty one stays closed.
type Listen struct {
	Leaf      string   `yaml:"leaf"`
	Websocket string   `yaml:"websocket"`
	NATS      string   `yaml:"nats"`
	Hosts     []string `yaml:"hosts"`
	Client    string   `yaml:"client"`
	Admin     string   `yaml:"admin"`
}

// External names a NATS server or cluster that takes the place of the
// embedded one.
type External struct {
	URL         string `yaml:"url"`
	Context     string `yaml:"context"`
	Credentials string `yaml:"credentials"`
	APIPrefix   string `yaml:"api_prefix"`
	// Links holds, by peer id, the account that is shared with that peer.
	Links map[string]ExternalLink `yaml:"links"`
}

// ExternalLink is the account of one peer's link, on the same server or on
// another.
type ExternalLink struct {
	URL         string `yaml:"url"`
	Context     string `yaml:"context"`
	Credentials string `yaml:"credentials"`
}

// Accreditation is the operator's statement up to which national level this
// node may hold material, by whose authority and until when.
type Accreditation struct {
	Authority string   `yaml:"authority"`
	ID        string   `yaml:"id"`
	Ceiling   []string `yaml:"ceiling"`
	Until     Date     `yaml:"until"`
	Exercise  bool     `yaml:"exercise"`
	// Compartments are the special-access regimes it is read into, such as
	// ATOMAL, in capitals.
	Compartments []string `yaml:"compartments"`
}

// Review records who read a rule that allows personal or restricted data,
// and when; without it the rule does not count.
type Review struct {
	Rule string `yaml:"rule"`
	By   string `yaml:"by"`
	On   Date   `yaml:"on"`
}

// Approver is a person who may decide what waits for a person, or put another
// policy in force: two of them, where the decision goes on for others.
type Approver struct {
	ID string `yaml:"id"`
	// Key is the public key that `entente approver new` printed.
	Key string `yaml:"key"`
	// Until is the last day on which the key decides; none: no end.
	Until Date `yaml:"until"`
}

// Quarantine says when what waits for a person has waited too long.
type Quarantine struct {
	WarnAfter  Span `yaml:"warn_after"`
	AlarmAfter Span `yaml:"alarm_after"`
}

// Span is a length of time, written 72h or 30m.
type Span struct{ time.Duration }

// UnmarshalYAML reads 72h.
func (s *Span) UnmarshalYAML(b []byte) error {
	text := strings.Trim(strings.TrimSpace(string(b)), `"'`)
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is no length of time: write it as 72h", text)
	}
	s.Duration = d
	return nil
}

// Profile is a source profile: what this node states about unmarked input of
// one source, as its own signed act.
type Profile struct {
	Name           string `yaml:"name"`
	DefaultMarking string `yaml:"default_marking"`
	Default        bool   `yaml:"default"`
	// Seal names properties that are encrypted before they are signed.
	Seal []Seal `yaml:"seal"`
}

// Generalise says how far this node says less in place of objects that a peer may
// not get as they are, and of which of its own. Zero values are the defaults.
type Generalise struct {
	// Types are STIX types of this node's own objects; of others' objects the terms
	// with their issuers say which.
	Types []string `yaml:"types"`
	// IPv4 and IPv6 are the longest prefixes told, Floor the smallest count.
	IPv4  int `yaml:"ipv4"`
	IPv6  int `yaml:"ipv6"`
	Floor int `yaml:"floor"`
	// Never lists networks, as prefixes, that name one organisation.
	Never []string `yaml:"never"`
}

// Retention says for how many days this node keeps what it holds, 0 for as long
// as the log does. The shortest of all that apply to an object counts, those of
// its origin and of the terms with the peer it came from included.
type Retention struct {
	// Days counts from the moment at which this node stored an object, and so do
	// Kinds (by what the peer is in law that it came from, or "self"), Categories
	// (by what an object holds) and Held (of what waits).
	Days       int            `yaml:"days"`
	Kinds      map[string]int `yaml:"kinds"`
	Categories map[string]int `yaml:"categories"`
	Held       int            `yaml:"held"`
	// AfterExpiry counts from valid_until.
	AfterExpiry int `yaml:"after_expiry"`
	// Journal counts from when a record of the journal was written.
	Journal int `yaml:"journal"`
}

// maxRetention bounds the days that may be configured: a hundred years.
const maxRetention = 36_525

// Seal says for whom one property of a source's objects is encrypted.
type Seal struct {
	// Property is a top-level property, or "extensions.ID".
	Property string `yaml:"property"`
	// To are the participants that can read it, Via those that carry it to them
	// unread; nobody else gets it.
	To  []string `yaml:"to"`
	Via []string `yaml:"via"`
}

// Journal says how the journal is kept.
type Journal struct {
	// HeadEvery is how often the node signs the end of its journal, from a
	// minute to a day; zero is an hour.
	HeadEvery time.Duration `yaml:"head_every"`
}

// Dirs names folders of the operator's own that take the place of the
// embedded data. Empty keeps what ships.
type Dirs struct {
	Schemes       string `yaml:"schemes"`
	Vocabularies  string `yaml:"vocabularies"`
	Policies      string `yaml:"policies"`
	Jurisdictions string `yaml:"jurisdictions"`
}

// Date is a calendar day in UTC, written 2026-12-31.
type Date struct{ time.Time }

// UnmarshalYAML reads 2026-12-31.
func (d *Date) UnmarshalYAML(b []byte) error {
	s := strings.Trim(strings.TrimSpace(string(b)), `"'`)
	if s == "" || s == "null" {
		return nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return fmt.Errorf("%q is not a day: write it as 2026-12-31", s)
	}
	d.Time = t
	return nil
}

// ErrConfig marks every fault of a configuration file; commands answer it
// with exit code 2.
var ErrConfig = errors.New("configuration")

// LoadNode reads and checks the configuration file at path. The error lists
// every fault found, each with file, line and column where YAML has one.
func LoadNode(path string) (*Node, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%w: %s does not exist: run `entente init REGION` to write one, or name it with --config", ErrConfig, path)
		}
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	n, err := ParseNode(raw, path)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// ParseNode reads configuration text; path names it in errors and anchors
// its relative paths.
func ParseNode(raw []byte, path string) (*Node, error) {
	n := &Node{Path: path}
	dec := yaml.NewDecoder(bytes.NewReader(raw), yaml.Strict())
	if err := guarded(func() error { return dec.Decode(n) }); err != nil {
		return nil, fmt.Errorf("%w: %s", ErrConfig, describeYAML(path, err))
	}
	if err := n.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	base := filepath.Dir(path)
	for _, p := range []*string{&n.Data, &n.Keys.Signer, &n.Dirs.Schemes, &n.Dirs.Vocabularies, &n.Dirs.Policies, &n.Dirs.Jurisdictions} {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(base, *p)
		}
	}
	return n, nil
}

var (
	idPattern      = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	countryPattern = regexp.MustCompile(`^[A-Z]{2}$`)
)

// ValidID reports whether id can name a node or participant: lower case
// letters, digits and single hyphens, at most 48 bytes, so that it is also a
// NATS subject token and a file name on every system.
func ValidID(id string) bool { return len(id) <= 48 && idPattern.MatchString(id) }
