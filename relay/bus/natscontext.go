package bus

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats.go"
)

// endpoint is an Endpoint whose context, if any, was read.
type endpoint struct {
	Endpoint
	user, password, token string
	apiPrefix             string
	inboxPrefix           string
}

// natsContext is a context file of the nats command (ADR-21). Keys that are
// not here are about output or are refused by resolve.
type natsContext struct {
	URL         string `json:"url"`
	Token       string `json:"token"`
	User        string `json:"user"`
	Password    string `json:"password"`
	Creds       string `json:"creds"`
	NKey        string `json:"nkey"`
	Cert        string `json:"cert"`
	Key         string `json:"key"`
	CA          string `json:"ca"`
	Domain      string `json:"jetstream_domain"`
	APIPrefix   string `json:"jetstream_api_prefix"`
	InboxPrefix string `json:"inbox_prefix"`
	NSC         string `json:"nsc"`
	UserJWT     string `json:"user_jwt"`
	Socks       string `json:"socks_proxy"`
}

// resolve reads the context, if one is named, and checks that there is a URL.
func (p Endpoint) resolve() (endpoint, error) {
	if p.Context == "" {
		if p.URL == "" {
			return endpoint{}, errors.New("neither a URL nor a NATS context is given")
		}
		return endpoint{Endpoint: p}, nil
	}
	if p.URL != "" || p.CredsFile != "" || p.SeedFile != "" {
		return endpoint{}, fmt.Errorf("context %s is given together with a URL or credentials: use one of the two", p.Context)
	}
	if strings.ContainsAny(p.Context, `/\`) || p.Context == "." || p.Context == ".." {
		return endpoint{}, fmt.Errorf("context %q: want a name, not a path", p.Context)
	}
	dir, err := os.UserConfigDir()
	if x := os.Getenv("XDG_CONFIG_HOME"); x != "" {
		dir, err = x, nil
	} else if home, herr := os.UserHomeDir(); herr == nil {
		dir, err = filepath.Join(home, ".config"), nil // where the nats command looks on every system
	}
	if err != nil {
		return endpoint{}, fmt.Errorf("context %s: %w", p.Context, err)
	}
	path := filepath.Join(dir, "nats", "context", p.Context+".json")
	raw, err := os.ReadFile(path)
	if err != nil {
		return endpoint{}, fmt.Errorf("context %s: %w: make it with `nats context add`, or give a URL", p.Context, err)
	}
	var c natsContext
	if err := json.Unmarshal(raw, &c); err != nil {
		return endpoint{}, fmt.Errorf("context %s: %s: %w", p.Context, path, err)
	}
	return c.endpoint(p.Context)
}

func (c natsContext) endpoint(name string) (endpoint, error) {
	if c.NSC != "" || c.UserJWT != "" || c.Socks != "" {
		return endpoint{}, fmt.Errorf("context %s uses nsc, user_jwt or socks_proxy, which a node does not read: use creds or nkey", name)
	}
	if c.URL == "" {
		return endpoint{}, fmt.Errorf("context %s has no url", name)
	}
	e := endpoint{
		Endpoint: Endpoint{URL: c.URL, CredsFile: c.Creds, SeedFile: c.NKey, CAFile: c.CA, CertFile: c.Cert, KeyFile: c.Key},
		user:     c.User, password: c.Password, token: c.Token,
		apiPrefix: c.APIPrefix, inboxPrefix: c.InboxPrefix,
	}
	if e.apiPrefix == "" && c.Domain != "" {
		e.apiPrefix = "$JS." + c.Domain + ".API"
	}
	return e, nil
}

// options are the credentials and TLS of the endpoint.
func (e endpoint) options() ([]nats.Option, error) {
	var opts []nats.Option
	if e.inboxPrefix != "" {
		opts = append(opts, nats.CustomInboxPrefix(e.inboxPrefix))
	}
	if e.CredsFile != "" {
		opts = append(opts, nats.UserCredentials(e.CredsFile))
	}
	if e.SeedFile != "" {
		o, err := nats.NkeyOptionFromSeed(e.SeedFile)
		if err != nil {
			return nil, fmt.Errorf("nkey seed %s: %w", e.SeedFile, err)
		}
		opts = append(opts, o)
	}
	switch {
	case e.token != "":
		opts = append(opts, nats.Token(e.token))
	case e.user != "" && e.password == "":
		opts = append(opts, nats.Token(e.user)) // as the nats command reads it
	case e.user != "":
		opts = append(opts, nats.UserInfo(e.user, e.password))
	}
	if e.CAFile != "" {
		opts = append(opts, nats.RootCAs(e.CAFile))
	}
	if e.CertFile != "" {
		opts = append(opts, nats.ClientCert(e.CertFile, e.KeyFile))
	}
	return opts, nil
}

// redacted is the URL without a password.
func (e endpoint) redacted() string {
	urls := strings.Split(e.URL, ",")
	for i, s := range urls {
		u, err := url.Parse(strings.TrimSpace(s))
		if err != nil {
			urls[i] = "(not a URL)"
			continue
		}
		urls[i] = u.Redacted()
	}
	return strings.Join(urls, ",")
}
