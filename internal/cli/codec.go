package cli

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/converter"

	"github.com/onlywave/onlywave/internal/config"
)

// codecCommand runs a command of an operator with a codec endpoint of its own, so that Temporal's command line shows and sends payloads as
// the platform does.
func codecCommand(environ []string) *cobra.Command {
	return &cobra.Command{Use: "codec COMMAND...", Short: "Run a command, such as temporal or a shell, that can read what Temporal stores", Args: cobra.MinimumNArgs(1),
		Long: "Run a command that can read what Temporal stores.\n\n" +
			"Temporal stores payloads encrypted with TEMPORAL_PAYLOAD_KEYS. While the command runs, this program decrypts and encrypts them for it,\n" +
			"on a port that only this machine reaches, for whoever has the token that only the command gets (TEMPORAL_CODEC_ENDPOINT and\n" +
			"TEMPORAL_CODEC_AUTH; for tctl TEMPORAL_CLI_CODEC_ENDPOINT and TEMPORAL_CLI_CODEC_AUTH).\n\n" +
			"  onlywave codec temporal workflow show -w payment/3f0c…\n" +
			"  onlywave codec bash\n\n" +
			"The scripts in scripts/ops do this by themselves. The exit code is the command's.",
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "-h" || args[0] == "--help" {
				return cmd.Help()
			}
			c, err := settings(config.Codec, environ)
			if err != nil {
				return err
			}
			return withCodec(cmd.Context(), c, environ, args)
		}}
}

func withCodec(ctx context.Context, c config.Config, environ, args []string) error {
	codec, err := payloadCodec(c)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("serve the codec endpoint: %w", err)
	}
	token := "Bearer " + rand.Text()
	server := &http.Server{Handler: authorized(token, converter.NewPayloadCodecHTTPHandler(codec.Lenient())), ReadHeaderTimeout: 5 * time.Second}
	defer server.Close()
	go func() { _ = server.Serve(listener) }() // it ends with the command
	child := exec.Command(args[0], args[1:]...)
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	endpoint := "http://" + listener.Addr().String()
	child.Env = append(environ, "TEMPORAL_CODEC_ENDPOINT="+endpoint, "TEMPORAL_CODEC_AUTH="+token,
		"TEMPORAL_CLI_CODEC_ENDPOINT="+endpoint, "TEMPORAL_CLI_CODEC_AUTH="+token)
	err = child.Run() // a signal from the terminal reaches it, too
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		os.Exit(max(exit.ExitCode(), 1)) // the command has said why
	}
	return err
}

// authorized serves whoever has the token: other users of the machine reach the port, too.
func authorized(token string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(token)) != 1 {
			http.Error(w, "the token in TEMPORAL_CODEC_AUTH is missing or wrong", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
