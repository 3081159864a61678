package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	skew = 5 * time.Second
	// As long as the gateway lets the key set be cached: a removed key is not accepted for longer.
	keySetAge = 300 * time.Second
	// An unknown key may be new, but invented key ids must not cause a flood of requests.
	unknownKeyAge = 10 * time.Second
	largestAnswer = 1 << 20
)

// claims of an access token (RFC 9068 section 2.2). The gateway's answer about a credential has the same members.
type claims struct {
	Issuer         string                     `json:"iss"`
	Subject        string                     `json:"sub"`
	Audience       audience                   `json:"aud"`
	ClientID       string                     `json:"client_id"`
	ID             string                     `json:"jti"`
	Scope          string                     `json:"scope"`
	SubjectType    string                     `json:"sub_type"`
	Expires        *float64                   `json:"exp"`
	Issued         *float64                   `json:"iat"`
	NotBefore      float64                    `json:"nbf"`
	Actor          *Actor                     `json:"act"`
	Confirmation   map[string]json.RawMessage `json:"cnf"`
	Valid          bool                       `json:"valid"`
	ActorType      string                     `json:"actor_type"`
	OrganizationID string                     `json:"organization_id"`
	APIKeyID       string                     `json:"api_key_id"`
}

type audience []string

func (a *audience) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(a))
}

// keySet is the key set of the gateway.
type keySet struct {
	url    string
	client *http.Client
	now    func() time.Time

	mutex  sync.Mutex
	keys   map[string]*ecdsa.PublicKey
	readAt time.Time
}

func (k *keySet) read() error {
	response, err := k.client.Get(k.url)
	if err != nil {
		return unavailable()
	}
	defer response.Body.Close()
	var set struct {
		Keys []struct{ Kid, Alg, Crv, X, Y string }
	}
	decoder := json.NewDecoder(http.MaxBytesReader(nil, response.Body, largestAnswer))
	if response.StatusCode != 200 || decoder.Decode(&set) != nil {
		return unavailable()
	}
	k.keys = map[string]*ecdsa.PublicKey{}
	for _, one := range set.Keys {
		x, errX := base64.RawURLEncoding.DecodeString(one.X)
		y, errY := base64.RawURLEncoding.DecodeString(one.Y)
		key := &ecdsa.PublicKey{Curve: elliptic.P256(), X: new(big.Int).SetBytes(x), Y: new(big.Int).SetBytes(y)}
		if one.Alg == "ES256" && one.Crv == "P-256" && errX == nil && errY == nil && key.IsOnCurve(key.X, key.Y) {
			k.keys[one.Kid] = key
		}
	}
	k.readAt = k.now()
	return nil
}

// find returns the key of an id, or nil.
func (k *keySet) find(kid string) (*ecdsa.PublicKey, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	age := k.now().Sub(k.readAt)
	if age >= keySetAge || (k.keys[kid] == nil && age >= unknownKeyAge) {
		if err := k.read(); err != nil {
			return nil, err
		}
	}
	return k.keys[kid], nil
}

func decode(part string, into any) bool {
	data, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(data, into) == nil
}

// checkToken checks that a token was issued by the gateway, for this service, and has not expired (RFC 9068 section 4).
func (v *Verifier) checkToken(token, scheme string) (*claims, error) {
	parts := strings.Split(token, ".")
	var header struct {
		Alg, Typ, Kid string
		Crit          json.RawMessage
	}
	if len(parts) != 3 || !decode(parts[0], &header) {
		return nil, invalidToken("not a token", scheme)
	}
	typ := strings.TrimPrefix(strings.ToLower(header.Typ), "application/")
	if header.Alg != "ES256" || typ != "at+jwt" || header.Kid == "" || header.Crit != nil {
		return nil, invalidToken("not an access token", scheme)
	}
	key, err := v.keys.find(header.Kid)
	if err != nil {
		return nil, err
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if key == nil || err != nil || len(signature) != 64 {
		return nil, invalidToken("unknown key or malformed signature", scheme)
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	var found claims
	if !ecdsa.Verify(key, digest[:], r, s) || !decode(parts[1], &found) {
		return nil, invalidToken("another signature", scheme)
	}
	if problem := v.problemOf(&found); problem != "" {
		return nil, invalidToken(problem, scheme)
	}
	return &found, nil
}

func (v *Verifier) problemOf(c *claims) string {
	if c.Subject == "" || c.ClientID == "" || c.ID == "" || c.Expires == nil || c.Issued == nil {
		return "a claim is missing"
	}
	if c.Issuer != v.issuer {
		return "another issuer"
	}
	isForUs := false
	for _, one := range c.Audience {
		isForUs = isForUs || one == v.audience
	}
	now := float64(v.now().Unix())
	switch {
	case !isForUs:
		return "another audience"
	case *c.Expires <= now-skew.Seconds():
		return "expired"
	case c.NotBefore > now+skew.Seconds():
		return "not valid yet"
	}
	return ""
}
