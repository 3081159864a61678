package auth

import "strings"

var aliases = [][2]string{{"memory:", "memories:"}, {"api_keys:manage", "api-keys:*"}}

func canonical(scope string) string {
	colons := strings.ReplaceAll(scope, ".", ":")
	for _, alias := range aliases {
		if strings.HasPrefix(colons, alias[0]) {
			return alias[1] + strings.TrimPrefix(colons, alias[0])
		}
	}
	return colons
}

// satisfies says whether granted scopes include a required one; a wildcard covers everything below it.
func satisfies(granted []string, needed string) bool {
	required := canonical(needed)
	for _, one := range granted {
		grant := canonical(one)
		if grant == "*" || grant == "legacy:full_access" || grant == required {
			return true
		}
		if strings.HasSuffix(grant, ":*") && strings.HasPrefix(required, strings.TrimSuffix(grant, "*")) {
			return true
		}
	}
	return false
}
