// Runs Dex, an identity provider, with one user, one public client, and all that it knows in memory.
//
// It is Dex's own server without its command, which does not build without C. The hash of the password is made at
// start, so that no test has one in its text.
package main

import (
	"context"
	"flag"
	"log"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/dexidp/dex/server"
	"github.com/dexidp/dex/storage"
	"github.com/dexidp/dex/storage/memory"
	"golang.org/x/crypto/bcrypt"
)

func main() {
	listen := flag.String("listen", "", "host and port")
	certificate := flag.String("certificate", "", "PEM file")
	key := flag.String("key", "", "PEM file")
	issuer := flag.String("issuer", "", "the provider's own address")
	client := flag.String("client", "", "id of the client")
	redirect := flag.String("redirect", "", "redirect URI of the client")
	origin := flag.String("origin", "", "origin whose pages may ask for tokens")
	email := flag.String("email", "", "of the user")
	flag.Parse()
	hash, err := bcrypt.GenerateFromPassword([]byte(os.Getenv("DEX_PASSWORD")), bcrypt.DefaultCost)
	if err != nil {
		log.Fatal(err)
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	kept := storage.WithStaticClients(memory.New(logger), []storage.Client{
		{ID: *client, Name: *client, Public: true, RedirectURIs: []string{*redirect}},
	})
	kept = storage.WithStaticPasswords(kept, []storage.Password{{Email: *email, Hash: hash, Username: *email, UserID: "1"}}, logger)
	kept = storage.WithStaticConnectors(kept, []storage.Connector{
		{ID: server.LocalConnector, Name: "Email", Type: server.LocalConnector},
	})
	dex, err := server.NewServer(context.Background(), server.Config{
		Issuer:                 *issuer,
		Storage:                kept,
		SupportedResponseTypes: []string{"code"},
		AllowedOrigins:         []string{*origin},
		SkipApprovalScreen:     true,
		IDTokensValidFor:       10 * time.Minute,
		Logger:                 logger,
	})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServeTLS(*listen, *certificate, *key, dex))
}
