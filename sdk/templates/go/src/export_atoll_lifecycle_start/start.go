// Package export_atoll_lifecycle_start sets the server {{name}} up.
package export_atoll_lifecycle_start

import (
	wit "go.bytecodealliance.org/pkg/wit/types"

	"wit_component/atoll_log_log"
	"wit_component/atoll_log_types"
)

func Start() wit.Result[wit.Unit, string] {
	atoll_log_log.Write(atoll_log_types.Level_Info, "a lamp made in Go")
	return wit.Ok[wit.Unit, string](wit.Unit{})
}
