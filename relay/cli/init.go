package cli

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/text/language"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/relay"
)

// defaultListen is where a new node listens for peers. Port 7422 is the one
// NATS uses for leaf nodes.
const defaultListen = "0.0.0.0:7422"

// initOptions are the flags of init.
type initOptions struct {
	country, name, dir, listen, client, admin, language, signer string
	hosts                                                       []string
}

// initialised is what init prints with --json.
type initialised struct {
	Node        string   `json:"node"`
	Country     string   `json:"country"`
	Config      string   `json:"config"`
	Keys        string   `json:"keys"`
	Statement   string   `json:"statement"`
	Fingerprint string   `json:"fingerprint"`
	URLs        []string `json:"urls"`
	Next        []string `json:"next"`
}

func (a *app) initCmd() *cobra.Command {
	var o initOptions
	c := &cobra.Command{
		Use:   "init REGION",
		Short: "write a new node: commented configuration, keys, its own statement",
		Long: `Write a new node: a commented entente.yaml, keys, and the node's own signed
statement, which is the file to hand to peers. Nothing is overwritten.

REGION is the id by which peers know the node and which every signature names,
such as de-cert. Without --country its first two letters before a hyphen are the
country, if ISO 3166-1 has them.`,
		Example: "  entente init de-cert --host relay.example --listen 0.0.0.0:7422",
		Args:    cobra.ExactArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return a.initNode(args[0], o) },
	}
	f := c.Flags()
	f.StringVar(&o.country, "country", "", "ISO 3166-1 country whose law and scheme apply, such as DE")
	f.StringVar(&o.name, "name", "", "name for people (default REGION)")
	f.StringVar(&o.dir, "dir", "", "folder to write into (default that of --config, else this one)")
	f.StringVar(&o.listen, "listen", defaultListen, `address for peers; "" only dials out`)
	f.StringArrayVar(&o.hosts, "host", nil, "name or address by which peers reach the node; repeatable (default this machine's name)")
	f.StringVar(&o.client, "client", "", "loopback NATS client address for your own tools (default none)")
	f.StringVar(&o.admin, "admin", "", "loopback HTTP address for /metrics and /healthz (default none)")
	f.StringVar(&o.signer, "signer", "", "socket of a running signer that holds the message key (default a key file)")
	f.StringVar(&o.language, "language", "en", "language in which readers see terms (BCP 47)")
	return c
}

// initNode writes a node and says what to do next.
func (a *app) initNode(region string, o initOptions) error {
	values, urls, err := o.values(region)
	if err != nil {
		return usage(err)
	}
	dir, file := a.initPath(o.dir)
	cfg, err := relay.Setup(relay.SetupOptions{Dir: dir, File: file, Values: values, URLs: urls, Now: a.now()})
	if err != nil {
		return err
	}
	own, err := readStatement(filepath.Join(dir, relay.StatementFile), a.now())
	if err != nil {
		return err
	}
	res := initialised{Node: region, Country: values.Country, Config: cfg.Path, Keys: relay.KeysDir(cfg),
		Statement: filepath.Join(dir, relay.StatementFile), Fingerprint: own.Fingerprint(), URLs: urls, Next: nextSteps(cfg.Path)}
	if a.json {
		return a.printJSON(res)
	}
	a.printf("wrote %s: configuration, commented\n", res.Config)
	a.printf("wrote %s: private keys: back them up, show them to nobody\n", res.Keys)
	a.printf("wrote %s: this node's statement: hand it to peers\n", res.Statement)
	a.printf("fingerprint %s: read it to a peer over the telephone\n\nnext:\n", res.Fingerprint)
	for _, s := range res.Next {
		a.printf("  %s\n", s)
	}
	return nil
}

// nextSteps are the three commands that follow init.
func nextSteps(config string) []string {
	entente := "entente"
	if filepath.Clean(config) != configFile {
		entente += " --config " + config
	}
	return []string{entente + " check", entente + " run", entente + " publish FILE"}
}

// initPath is where to write: into --dir, else where other commands would read.
func (a *app) initPath(dir string) (folder, file string) {
	if dir != "" {
		return dir, configFile
	}
	path, _ := a.configPath()
	return filepath.Dir(path), filepath.Base(path)
}

// values checks the flags and completes them.
func (o *initOptions) values(region string) (configs.TemplateValues, []string, error) {
	v := configs.TemplateValues{ID: region, Name: o.name, Data: "data", Leaf: o.listen, Client: o.client, Admin: o.admin, Signer: o.signer, Language: o.language}
	if !configs.ValidID(region) {
		return v, nil, fmt.Errorf("REGION %q: use lower case letters, digits and single hyphens, such as de-cert", region)
	}
	if v.Name == "" {
		v.Name = region
	}
	var err error
	if v.Signer != "" {
		if v.Signer, err = filepath.Abs(v.Signer); err != nil {
			return v, nil, err
		}
	}
	if v.Country, err = countryOf(region, o.country); err != nil {
		return v, nil, err
	}
	if _, err := language.Parse(o.language); err != nil {
		return v, nil, fmt.Errorf("--language %q: write a BCP 47 tag, such as en or pt-BR", o.language)
	}
	urls, err := o.reach(&v)
	return v, urls, err
}

// reach fills in by which names peers reach the node, and returns the URLs for
// its statement.
func (o *initOptions) reach(v *configs.TemplateValues) ([]string, error) {
	v.Hosts = slices.Clone(o.hosts)
	if o.listen == "" {
		return nil, nil
	}
	host, port, err := net.SplitHostPort(o.listen)
	if err != nil {
		return nil, fmt.Errorf("--listen %q: write host:port, such as %s", o.listen, defaultListen)
	}
	everywhere := host == "" || net.ParseIP(host) != nil && net.ParseIP(host).IsUnspecified()
	if !everywhere && !slices.Contains(v.Hosts, host) {
		v.Hosts = append(v.Hosts, host)
	}
	if len(v.Hosts) == 0 {
		name, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("this machine's name is not known (%w): say with --host by which name peers reach it", err)
		}
		v.Hosts = []string{name}
	}
	if port == "0" {
		return nil, nil // the system chooses one at every start: nobody can know it beforehand
	}
	var urls []string
	for _, h := range v.Hosts {
		urls = append(urls, "tls://"+net.JoinHostPort(h, port))
	}
	return urls, nil
}

// countryOf is the country of a node: the flag, else the two letters before
// the id's first hyphen, if ISO 3166-1 has them.
func countryOf(region, flag string) (string, error) {
	if flag != "" {
		if cc := strings.ToUpper(flag); isCountry(cc) {
			return cc, nil
		}
		return "", fmt.Errorf("--country %q is not in ISO 3166-1: write two letters, such as DE (the United Kingdom is GB)", flag)
	}
	head, _, _ := strings.Cut(region, "-")
	if cc := strings.ToUpper(head); isCountry(cc) {
		return cc, nil
	}
	return "", fmt.Errorf("%q does not begin with a country: say which one it is in with --country CC", region)
}

// isCountry reports whether cc is officially assigned in ISO 3166-1 alpha-2.
func isCountry(cc string) bool {
	r, err := language.ParseRegion(cc)
	if err != nil || len(cc) != 2 || r.String() != cc || !r.IsCountry() || r.Canonicalize() != r {
		return false
	}
	switch cc {
	case "AC", "CP", "CQ", "DG", "EA", "EZ", "IC", "TA", "UN", "XK": // reserved or private, known to CLDR
		return false
	case "AN", "CS", "FQ", "NT", "PC", "SU", "YU": // no longer in use
		return false
	}
	return true
}
