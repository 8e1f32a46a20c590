// Package cliext holds the options that every subcommand of the temporal command shares, and makes the options of a Temporal client from
// them. The command imports it as github.com/temporalio/cli/cliext, a module that is not published. This package takes its place: it has
// the names that version 1.7.2 of the command uses, and nothing else. It does not support OAuth.
package cliext

import (
	"github.com/spf13/pflag"
	"go.temporal.io/sdk/contrib/envconfig"
)

// CommonOptions are the options of the root command.
type CommonOptions struct {
	Env, EnvFile            string
	ConfigFile, Profile     string
	DisableConfigFile       bool
	DisableConfigEnv        bool
	LogLevel, LogFormat     FlagStringEnum
	Output                  FlagStringEnum
	TimeFormat              FlagStringEnum
	Color                   FlagStringEnum
	NoJsonShorthandPayloads bool
	CommandTimeout          FlagDuration
	ClientConnectTimeout    FlagDuration
}

func (o *CommonOptions) BuildFlags(f *pflag.FlagSet) {
	f.StringVar(&o.Env, "env", "default", "Environment to take from the environment file")
	f.StringVar(&o.EnvFile, "env-file", "", "Environment file (default $HOME/.config/temporalio/temporal.yaml)")
	f.StringVar(&o.ConfigFile, "config-file", "", "Configuration file (default temporalio/temporal.toml in the user's configuration folder)")
	f.StringVar(&o.Profile, "profile", "", "Profile to take from the configuration file")
	f.BoolVar(&o.DisableConfigFile, "disable-config-file", false, "Do not read the configuration file")
	f.BoolVar(&o.DisableConfigEnv, "disable-config-env", false, "Do not read the client's configuration from environment variables")

	choice := func(target *FlagStringEnum, name, short, usage string, allowed ...string) {
		*target = NewFlagStringEnum(allowed, allowed[0])
		f.VarP(target, name, short, usage+": "+target.choices())
	}
	choice(&o.LogLevel, "log-level", "", "Lowest level to log; server start-dev logs from warn", "never", "debug", "info", "warn", "error")
	choice(&o.LogFormat, "log-format", "", "Format of the log", "text", "json", "pretty")
	choice(&o.Output, "output", "o", "Format of the output", "text", "json", "jsonl", "none")
	choice(&o.TimeFormat, "time-format", "", "Format of times in the output", "relative", "iso", "raw")
	choice(&o.Color, "color", "", "When to color the output", "auto", "always", "never")

	f.BoolVar(&o.NoJsonShorthandPayloads, "no-json-shorthand-payloads", false, "Print payloads as they are stored, also when they hold JSON")
	f.Var(&o.CommandTimeout, "command-timeout", "Timeout of the whole command; 0s means none")
	f.Var(&o.ClientConnectTimeout, "client-connect-timeout", "Timeout of the connection to the server; 0s means none")
}

// ClientOptions are the options of commands that call the server.
type ClientOptions struct {
	Namespace, Identity string

	address, authority, apiKey string
	grpcMeta, codecHeaders     []string
	useTLS                     bool
	tls                        envconfig.ClientConfigTLS
	codec                      envconfig.ClientConfigCodec
	flags                      *pflag.FlagSet // says which options were given
}

func (o *ClientOptions) BuildFlags(f *pflag.FlagSet) {
	o.flags = f
	f.StringVar(&o.address, "address", "localhost:7233", "host:port of the server's gRPC front end")
	f.StringVarP(&o.Namespace, "namespace", "n", "default", "Namespace")
	f.StringVar(&o.Identity, "identity", "", "Who sends the request (default temporal-cli:USER@HOST)")
	f.StringVar(&o.apiKey, "api-key", "", "API key")
	f.StringVar(&o.authority, "client-authority", "", "The :authority header of gRPC requests")
	f.StringArrayVar(&o.grpcMeta, "grpc-meta", nil, "Header of gRPC requests as `KEY=VALUE`; may be repeated")

	f.BoolVar(&o.useTLS, "tls", false, "Use TLS; an API key or another option of TLS implies it, and --tls=false turns it off")
	pem := func(path *string, data *[]byte, name, what string) {
		f.StringVar(path, name+"-path", "", "File with the "+what)
		f.Var((*flagBytes)(data), name+"-data", "The "+what+" itself, in PEM format")
	}
	pem(&o.tls.ClientCertPath, &o.tls.ClientCertData, "tls-cert", "client's certificate")
	pem(&o.tls.ClientKeyPath, &o.tls.ClientKeyData, "tls-key", "client's private key")
	pem(&o.tls.ServerCACertPath, &o.tls.ServerCACertData, "tls-ca", "certificate of the server's authority")
	f.StringVar(&o.tls.ServerName, "tls-server-name", "", "Name to expect in the server's certificate")
	f.BoolVar(&o.tls.DisableHostVerification, "tls-disable-host-verification", false, "Do not check the server's certificate")

	f.StringVar(&o.codec.Endpoint, "codec-endpoint", "", "URL of a codec server")
	f.StringVar(&o.codec.Auth, "codec-auth", "", "Authorization header for the codec server")
	f.StringArrayVar(&o.codecHeaders, "codec-header", nil, "Header for the codec server as `KEY=VALUE`; may be repeated")
}
