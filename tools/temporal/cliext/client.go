package cliext

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"strings"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"google.golang.org/grpc"
)

// ClientOptionsBuilder makes the options of a client. Command line options count more than environment variables, which count more than the
// configuration file.
type ClientOptionsBuilder struct {
	CommonOptions CommonOptions
	ClientOptions ClientOptions
	EnvLookup     envconfig.EnvLookup
	Logger        *slog.Logger
}

func (b *ClientOptionsBuilder) Build(context.Context) (client.Options, error) {
	profile, err := b.loadProfile()
	if err != nil {
		return client.Options{}, fmt.Errorf("read the client's configuration: %w", err)
	}
	given := b.ClientOptions
	if err := given.override(&profile); err != nil {
		return client.Options{}, err
	}
	options, err := profile.ToClientOptions(envconfig.ToClientOptionsRequest{})
	if err != nil {
		return client.Options{}, err
	}
	options.Identity = given.Identity
	options.ConnectionOptions.Authority = given.authority
	options.ConnectionOptions.GetSystemInfoTimeout = b.CommonOptions.ClientConnectTimeout.Duration()
	if b.Logger != nil {
		options.Logger = log.NewStructuredLogger(b.Logger)
	}
	if profile.Codec != nil && profile.Codec.Endpoint != "" {
		decode, err := remoteCodec(*profile.Codec, profile.Namespace, given.codecHeaders)
		if err != nil {
			return client.Options{}, err
		}
		options.ConnectionOptions.DialOptions = append(options.ConnectionOptions.DialOptions, grpc.WithChainUnaryInterceptor(decode...))
	}
	return options, nil
}

func (b *ClientOptionsBuilder) loadProfile() (envconfig.ClientConfigProfile, error) {
	common := b.CommonOptions
	if common.DisableConfigFile && common.DisableConfigEnv {
		return envconfig.ClientConfigProfile{}, nil
	}
	return envconfig.LoadClientConfigProfile(envconfig.LoadClientConfigProfileOptions{
		ConfigFilePath:    common.ConfigFile,
		ConfigFileProfile: common.Profile,
		DisableFile:       common.DisableConfigFile,
		DisableEnv:        common.DisableConfigEnv,
		EnvLookup:         b.EnvLookup,
	})
}

// override puts the options of the command line into the profile. The defaults of address and namespace do not replace what it has.
func (o *ClientOptions) override(profile *envconfig.ClientConfigProfile) error {
	if profile.Address == "" || o.flags.Changed("address") {
		profile.Address = o.address
	}
	if profile.Namespace == "" || o.flags.Changed("namespace") {
		profile.Namespace = o.Namespace
	}
	profile.APIKey = cmp.Or(o.apiKey, profile.APIKey)
	o.overrideTLS(profile)
	if o.codec.Endpoint != "" && profile.Codec == nil {
		profile.Codec = &envconfig.ClientConfigCodec{}
	}
	if codec := profile.Codec; codec != nil {
		codec.Endpoint = cmp.Or(o.codec.Endpoint, codec.Endpoint)
		codec.Auth = cmp.Or(o.codec.Auth, codec.Auth)
	}
	meta, err := keysAndValues("--grpc-meta", o.grpcMeta)
	if err != nil {
		return err
	}
	if profile.GRPCMeta == nil {
		profile.GRPCMeta = map[string]string{}
	}
	maps.Copy(profile.GRPCMeta, meta)
	return nil
}

func (o *ClientOptions) overrideTLS(profile *envconfig.ClientConfigProfile) {
	if o.flags.Changed("tls") && !o.useTLS {
		profile.TLS = &envconfig.ClientConfigTLS{Disabled: true}
		return
	}
	given := o.tls
	wanted := o.useTLS || given.ServerName != "" || given.DisableHostVerification ||
		given.ClientCertPath+given.ClientKeyPath+given.ServerCACertPath != "" ||
		len(given.ClientCertData)+len(given.ClientKeyData)+len(given.ServerCACertData) > 0
	if !wanted {
		return
	}
	if profile.TLS == nil {
		profile.TLS = &envconfig.ClientConfigTLS{}
	}
	tls := profile.TLS
	pem := func(path *string, data *[]byte, givenPath string, givenData []byte) {
		if givenPath != "" || len(givenData) > 0 { // one of the two: the library refuses both
			*path, *data = givenPath, givenData
		}
	}
	pem(&tls.ClientCertPath, &tls.ClientCertData, given.ClientCertPath, given.ClientCertData)
	pem(&tls.ClientKeyPath, &tls.ClientKeyData, given.ClientKeyPath, given.ClientKeyData)
	pem(&tls.ServerCACertPath, &tls.ServerCACertData, given.ServerCACertPath, given.ServerCACertData)
	tls.ServerName = cmp.Or(given.ServerName, tls.ServerName)
	tls.DisableHostVerification = given.DisableHostVerification || tls.DisableHostVerification
}

// remoteCodec has a codec server encode and decode the payloads of every call. A failure carries its text in a payload, which is decoded
// first, and then put back in its place.
func remoteCodec(codec envconfig.ClientConfigCodec, namespace string, headers []string) ([]grpc.UnaryClientInterceptor, error) {
	extra, err := keysAndValues("--codec-header", headers)
	if err != nil {
		return nil, err
	}
	remote := converter.NewRemotePayloadCodec(converter.RemotePayloadCodecOptions{
		Endpoint: strings.ReplaceAll(codec.Endpoint, "{namespace}", namespace),
		ModifyRequest: func(r *http.Request) error {
			r.Header.Set("X-Namespace", namespace)
			for key, value := range extra {
				r.Header.Set(key, value)
			}
			if codec.Auth != "" {
				r.Header.Set("Authorization", codec.Auth)
			}
			return nil
		},
	})
	failures, err := converter.NewFailureGRPCClientInterceptor(converter.NewFailureGRPCClientInterceptorOptions{EncodeCommonAttributes: true})
	if err != nil {
		return nil, err
	}
	payloads, err := converter.NewPayloadCodecGRPCClientInterceptor(converter.PayloadCodecGRPCClientInterceptorOptions{
		Codecs: []converter.PayloadCodec{remote},
	})
	return []grpc.UnaryClientInterceptor{failures, payloads}, err
}

func keysAndValues(option string, pairs []string) (map[string]string, error) {
	values := map[string]string{}
	for _, pair := range pairs {
		key, value, found := strings.Cut(pair, "=")
		if !found {
			return nil, fmt.Errorf("%s %q: write it as KEY=VALUE", option, pair)
		}
		values[key] = value
	}
	return values, nil
}
