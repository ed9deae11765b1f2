package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/entente-relay/entente/configs"
	"github.com/entente-relay/entente/federation/directory"
	"github.com/entente-relay/entente/relay"
	"github.com/entente-relay/entente/relay/dashboard"
)

// delegationShown is a delegation as commands print it.
type delegationShown struct {
	ID       string          `json:"id"`
	Issuer   string          `json:"issuer"`
	Delegate string          `json:"delegate"`
	What     []string        `json:"what"`
	Scope    directory.Scope `json:"scope"`
	From     time.Time       `json:"from"`
	Until    time.Time       `json:"until"`
	State    string          `json:"state"` // in force, not yet, ended, revoked
}

func (a *app) delegationCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "delegation",
		Short: "let another participant supersede or withdraw objects, or know who may",
		Long: `An object is its issuer's. Nobody else can replace it by a newer version or withdraw
it, unless the issuer says so by a signed delegation: for some objects and some time.
A node goes by the delegations that were added to it, and by no other word. A
delegate cannot delegate.`,
	}
	c.AddCommand(a.delegationSignCmd(), a.delegationRevokeCmd(), a.delegationAddCmd(), a.delegationListCmd())
	return c
}

// delegationSignCmd writes a delegation of this node.
func (a *app) delegationSignCmd() *cobra.Command {
	var what, types, ids []string
	var all bool
	var from, until string
	c := &cobra.Command{
		Use:   "sign DELEGATE",
		Short: "sign a delegation and print it: the file to hand to the delegate and to others",
		Long: `Sign a delegation by this node with its agreement key, take it here too, and print it.
Hand it to the delegate and to every participant that shall go by it.`,
		Example: `  entente delegation sign pl-cert --what withdraw --type indicator --until 2027-06-30 > pl-cert.delegation.jwt`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, client, err := a.client()
			if err != nil {
				return err
			}
			if until == "" {
				return usage(errors.New("--until DATE is needed: a delegation ends"))
			}
			end, err := a.moment("until", until)
			if err != nil {
				return err
			}
			begin, err := a.moment("from", from)
			if err != nil {
				return err
			}
			keys, err := relay.OpenKeys(cfg)
			if err != nil {
				return usage(err)
			}
			raw, err := directory.NewDelegation(directory.Delegation{ID: uuid.Must(uuid.NewV7()).String(), Issuer: cfg.Node.ID, Delegate: args[0],
				Scope: directory.Scope{All: all, Types: types, IDs: ids}, What: what, IssuedAt: a.now(), NotBefore: begin, NotAfter: end}, keys.Terms)
			if err != nil {
				return usage(err)
			}
			return a.ownAct(cmd, cfg, client, keys, raw)
		},
	}
	c.Flags().StringSliceVar(&what, "what", []string{directory.ActWithdraw}, "what the delegate may do: supersede, withdraw")
	c.Flags().BoolVar(&all, "all", false, "with every object of this node")
	c.Flags().StringSliceVar(&types, "type", nil, "with objects of this type, such as indicator")
	c.Flags().StringSliceVar(&ids, "id", nil, "with this object")
	c.Flags().StringVar(&from, "from", "", "first moment (default now)")
	c.Flags().StringVar(&until, "until", "", "last moment")
	return c
}

// delegationRevokeCmd ends a delegation of this node.
func (a *app) delegationRevokeCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke ID",
		Short: "sign the end of a delegation of this node and print it",
		Long: `End a delegation of this node before its time, and print the signed act. It counts here
at once, and elsewhere as soon as it was added there.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, client, err := a.client()
			if err != nil {
				return err
			}
			keys, err := relay.OpenKeys(cfg)
			if err != nil {
				return usage(err)
			}
			raw, err := directory.NewRevocation(directory.Revocation{ID: args[0], Issuer: cfg.Node.ID, At: a.now()}, keys.Terms)
			if err != nil {
				return usage(err)
			}
			return a.ownAct(cmd, cfg, client, keys, raw)
		},
	}
}

// delegationAddCmd takes an act of another participant.
func (a *app) delegationAddCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "add FILE",
		Short: "go by a delegation that another participant signed, or by its end",
		Long: `Take a delegation, or the end of one. The issuer's statement must be known here: its
signature is checked by it.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, client, err := a.client()
			if err != nil {
				return err
			}
			raw, err := a.read(args[0])
			if err != nil {
				return err
			}
			_, w, err := a.world(a.now())
			if err != nil {
				return err
			}
			keys, err := relay.OpenKeys(cfg)
			if err != nil {
				return usage(err)
			}
			d, end, err := relay.TakeDelegation(relay.DelegationsDir(filepath.Dir(cfg.Path)), raw, w.Directory, keys.Terms, a.now())
			if err != nil {
				return named(displayName(args[0]), err)
			}
			known := delegationKnown{}
			if d != nil {
				known.ID, known.Issuer, known.Delegate = d.ID, d.Issuer, d.Delegate
			} else {
				known.ID, known.Issuer, known.Ended = end.ID, end.Issuer, true
			}
			if known.Running, err = tellNode(cmd.Context(), client); err != nil {
				return fmt.Errorf("it is known on disk, but the running node goes on as before: %w: correct it, then `entente reload`", err)
			}
			return a.printKnown(&known)
		},
	}
}

// delegationKnown is what add has done.
type delegationKnown struct {
	ID       string `json:"id"`
	Issuer   string `json:"issuer"`
	Delegate string `json:"delegate,omitempty"`
	Ended    bool   `json:"ended"`
	Running  bool   `json:"running"` // a node runs and has taken it over
}

func (a *app) printKnown(k *delegationKnown) error {
	if a.json {
		return a.printJSON(k)
	}
	if k.Ended {
		a.printf("delegation %s by %s has ended\n", k.ID, k.Issuer)
	} else {
		a.printf("known: delegation %s by %s to %s\n", k.ID, k.Issuer, k.Delegate)
	}
	return a.out.err
}

// delegationListCmd lists what this node goes by.
func (a *app) delegationListCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "list who may act for whom, by the acts this node has taken",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, w, err := a.world(a.now())
			if err != nil {
				return err
			}
			shown := []delegationShown{}
			for _, d := range w.Acts.In {
				shown = append(shown, a.showDelegation(w, d))
			}
			for _, why := range w.Acts.Unusable {
				a.say("%s", why)
			}
			if a.json {
				return a.printJSON(shown)
			}
			for _, d := range shown {
				a.printf("%s: %s lets %s %s %s, from %s until %s: %s\n", d.ID, d.Issuer, d.Delegate, strings.Join(d.What, " and "), d.of(),
					d.From.Format(time.DateOnly), d.Until.Format(time.DateOnly), d.State)
			}
			return a.out.err
		},
	}
}

// of says on which objects.
func (d *delegationShown) of() string {
	if d.Scope.All {
		return "all its objects"
	}
	return strings.Join(slices.Concat(d.Scope.Types, d.Scope.IDs), ", ")
}

func (a *app) showDelegation(w *relay.World, d *directory.Delegation) delegationShown {
	out := delegationShown{ID: d.ID, Issuer: d.Issuer, Delegate: d.Delegate, What: d.What, Scope: d.Scope, From: d.NotBefore, Until: d.NotAfter, State: "in force"}
	switch {
	case slices.ContainsFunc(w.Acts.Ends, func(r *directory.Revocation) bool { return r.ID == d.ID && r.Issuer == d.Issuer }):
		out.State = "revoked"
	case a.now().Before(d.NotBefore):
		out.State = "not yet"
	case a.now().After(d.NotAfter):
		out.State = "ended"
	}
	return out
}

// ownAct takes an act that this node signed itself, tells a running node, and
// prints it.
func (a *app) ownAct(cmd *cobra.Command, cfg *configs.Node, client *dashboard.Client, keys *relay.Keys, raw []byte) error {
	_, w, err := a.world(a.now())
	if err != nil {
		return err
	}
	if _, _, err := relay.TakeDelegation(relay.DelegationsDir(filepath.Dir(cfg.Path)), raw, w.Directory, keys.Terms, a.now()); err != nil {
		return err
	}
	running, err := tellNode(cmd.Context(), client)
	if err != nil {
		return fmt.Errorf("the act is taken on disk, but the running node goes on as before: %w: correct it, then `entente reload`", err)
	}
	if a.json {
		return a.printJSON(struct {
			Act     string `json:"act"`
			Running bool   `json:"running"`
		}{string(raw), running})
	}
	_, err = fmt.Fprintf(a.out, "%s\n", raw)
	return err
}
