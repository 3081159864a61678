// Package auth checks the callers of a server: tokens of the LanOnasis Auth Gateway and API keys.
package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Options of a Verifier. Issuer and Audience are required.
type Options struct {
	// Issuer is the base URL of the gateway.
	Issuer string
	// Audience is the resource identifier of this service, which is the audience of its tokens.
	Audience string
	// Offline checks only the token: it accepts neither API keys nor tokens that are bound to a key, and a revocation is not noticed
	// before the token expires. Otherwise the gateway is asked each time.
	Offline bool
	// BaseURL is the public address of the service, which DPoP proofs name; by default the origin of Audience.
	BaseURL string
	// Service is the name of this service in the service scopes of API keys.
	Service string
	// Client is used instead of one with a timeout of five seconds.
	Client *http.Client
	// Now is used instead of time.Now.
	Now func() time.Time
}

// Verifier checks the callers of a server.
type Verifier struct {
	issuer, audience, baseURL, service string
	offline                            bool
	client                             *http.Client
	now                                func() time.Time
	keys                               *keySet
}

// Caller is the caller of a request, with the member names of RFC 9068 and RFC 8693.
type Caller struct {
	// Kind is "person" or "service".
	Kind           string
	Subject        string
	Scope          []string
	ClientID       string
	Actor          *Actor
	OrganizationID string
	APIKeyID       string
	// Expires is zero for an API key that does not expire.
	Expires time.Time
}

// Actor acts for the subject (RFC 8693 section 4.1).
type Actor struct {
	Subject string `json:"sub"`
	Prior   *Actor `json:"act"`
}

// New makes a Verifier. It returns an error for an audience that is not a URL, unless BaseURL is set.
func New(o Options) (*Verifier, error) {
	if o.BaseURL == "" {
		parsed, err := url.ParseRequestURI(o.Audience)
		if err != nil {
			return nil, err
		}
		o.BaseURL = parsed.Scheme + "://" + parsed.Host
	}
	if o.Client == nil {
		// A credential is sent to the gateway alone, never where a redirect leads.
		asIs := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		o.Client = &http.Client{Timeout: 5 * time.Second, CheckRedirect: asIs}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	issuer := strings.TrimRight(o.Issuer, "/")
	keys := &keySet{url: issuer + "/oauth/jwks.json", client: o.Client, now: o.Now}
	return &Verifier{issuer, o.Audience, strings.TrimRight(o.BaseURL, "/"), o.Service, o.Offline, o.Client, o.Now, keys}, nil
}

var (
	keyForm    = regexp.MustCompile(`^(lano|vx|lns|lms|pk|sk|vibe|master|vsec)_\S*$`)
	schemeForm = regexp.MustCompile(`(?i)^(bearer|dpop|apikey)(?: +(.*))?$`)
	valueForm  = regexp.MustCompile(`^[^\s,]+$`)
)

// credentialOf returns the scheme (Bearer, DPoP or ApiKey) and value of the credential; never from the query.
func credentialOf(header http.Header) (scheme, value string, err error) {
	authorization := strings.TrimSpace(strings.Join(header.Values("Authorization"), ", "))
	if named := schemeForm.FindStringSubmatch(authorization); named != nil {
		scheme, value = strings.ToLower(named[1]), named[2]
		switch {
		case !valueForm.MatchString(value):
			return "", "", invalidRequest("The Authorization header is malformed.")
		case scheme == "apikey" || keyForm.MatchString(value):
			return "ApiKey", value, nil
		case scheme == "dpop":
			return "DPoP", value, nil
		}
		return "Bearer", value, nil
	}
	if key := header.Get("X-API-Key"); key != "" {
		return "ApiKey", key, nil
	}
	if keyForm.MatchString(authorization) {
		return "ApiKey", authorization, nil
	}
	return "", "", unauthenticated()
}

// Verify returns the caller of a request that has one or more scopes, separated by spaces. Its error is a *Refused.
func (v *Verifier) Verify(request *http.Request, scope string) (*Caller, error) {
	needed := strings.Fields(scope)
	scheme, value, err := credentialOf(request.Header)
	if err != nil {
		return nil, err
	}
	var caller *Caller
	if scheme == "ApiKey" {
		scheme = "Bearer"
		caller, err = v.byKey(request, value, needed)
	} else {
		caller, err = v.byToken(request, scheme, value, needed)
	}
	if err != nil {
		return nil, err
	}
	for _, one := range needed {
		if !satisfies(caller.Scope, one) {
			return nil, insufficientScope(needed, scheme)
		}
	}
	return caller, nil
}

func (v *Verifier) byKey(request *http.Request, key string, needed []string) (*Caller, error) {
	if v.offline {
		return nil, invalidToken("API keys are not accepted here", "Bearer")
	}
	if request.Header.Get("X-Lanonasis-Signature") != "" {
		return nil, invalidRequest("Signed requests are not accepted here.")
	}
	question := map[string]any{"audience": v.audience, "method": request.Method, "path": request.URL.Path, "scope": needed}
	if v.service != "" {
		question["service"] = v.service
	}
	found, err := v.ask(request.Context(), "X-API-Key", key, question, "Bearer", needed)
	if err != nil {
		return nil, err
	}
	return callerOf(found, "person"), nil
}

func (v *Verifier) byToken(request *http.Request, scheme, token string, needed []string) (*Caller, error) {
	found, err := v.checkToken(token, scheme)
	if err != nil {
		return nil, err
	}
	question := map[string]any{"audience": v.audience, "scope": needed}
	if err := v.addProof(question, request, found, scheme); err != nil {
		return nil, err
	}
	kind := "person"
	if v.offline {
		if found.SubjectType == "client" {
			kind = "service"
		}
		return callerOf(found, kind), nil
	}
	answer, err := v.ask(request.Context(), "Authorization", scheme+" "+token, question, scheme, needed)
	if err != nil {
		return nil, err
	}
	if answer.ActorType == "service" {
		kind = "service"
	}
	return callerOf(answer, kind), nil
}

// addProof adds what the gateway needs to check that the holder presents a bound token; it also accepts each proof only once.
func (v *Verifier) addProof(question map[string]any, request *http.Request, found *claims, scheme string) error {
	if found.Confirmation == nil {
		if scheme == "DPoP" {
			return invalidToken("unbound token as DPoP", scheme)
		}
		return nil
	}
	proof := request.Header.Values("DPoP")
	switch {
	case found.Confirmation["jkt"] == nil || len(found.Confirmation) != 1:
		return invalidToken("a kind of binding that is not supported", scheme)
	case scheme != "DPoP":
		return invalidToken("DPoP-bound token as Bearer", "DPoP")
	case len(proof) != 1:
		return refused(401, "invalid_dpop_proof", "no DPoP proof", challenge(scheme, `error="invalid_dpop_proof"`))
	case v.offline:
		return invalidToken("bound tokens are not accepted here", scheme)
	}
	question["dpop_proof"], question["dpop_htm"] = proof[0], request.Method
	question["dpop_htu"] = v.baseURL + request.URL.RequestURI()
	return nil
}

func (v *Verifier) ask(c context.Context, name, value string, question map[string]any, scheme string, needed []string) (*claims, error) {
	body, err := json.Marshal(question)
	if err != nil {
		return nil, unavailable()
	}
	request, err := http.NewRequestWithContext(c, "POST", v.issuer+"/v1/auth/verify", bytes.NewReader(body))
	if err != nil {
		return nil, unavailable()
	}
	request.Header.Set(name, value)
	request.Header.Set("Content-Type", "application/json")
	response, err := v.client.Do(request)
	if err != nil {
		return nil, unavailable()
	}
	defer response.Body.Close()
	if response.StatusCode != 200 {
		return nil, refusalOf(response, scheme, needed)
	}
	var answer claims
	decoder := json.NewDecoder(http.MaxBytesReader(nil, response.Body, largestAnswer))
	if decoder.Decode(&answer) != nil || !answer.Valid || answer.Subject == "" {
		return nil, unavailable()
	}
	return &answer, nil
}

func refusalOf(response *http.Response, scheme string, needed []string) *Refused {
	switch response.StatusCode {
	case 401:
		return invalidToken("refused by the gateway", scheme)
	case 400:
		return invalidRequest("The credentials are malformed.")
	case 403:
		if strings.Contains(response.Header.Get("WWW-Authenticate"), "insufficient_scope") {
			return insufficientScope(needed, scheme)
		}
		return refused(403, "access_denied", "The credentials cannot be used for this request.", "")
	case 429:
		slow := refused(429, "rate_limited", "Too many requests.", "")
		if after := response.Header.Get("Retry-After"); after != "" {
			slow.Header.Set("Retry-After", after)
		}
		return slow
	}
	return unavailable()
}

func callerOf(c *claims, kind string) *Caller {
	caller := &Caller{kind, c.Subject, strings.Fields(c.Scope), c.ClientID, c.Actor, c.OrganizationID, c.APIKeyID, time.Time{}}
	if c.Expires != nil {
		caller.Expires = time.Unix(int64(*c.Expires), 0)
	}
	return caller
}
