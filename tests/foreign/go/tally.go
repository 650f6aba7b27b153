// Package export_atoll_testing_tally is the server `tally` in Go. wit-bindgen names the package
// and finds its functions and the resource by their names.
package export_atoll_testing_tally

import (
	"runtime"
	"strconv"

	witTypes "go.bytecodealliance.org/pkg/wit/types"

	"wit_component/atoll_log_log"
	"wit_component/atoll_log_types"
)

const largest = 1_000_000_000

// Account is the resource. The first two fields are the bindings'.
type Account struct {
	pinner runtime.Pinner
	handle int32
	sum    uint32
}

func MakeAccount(start uint32) *Account {
	return &Account{sum: start}
}

func (account *Account) OnDrop() {}

func (account *Account) Add(data []uint8) witTypes.Result[uint32, string] {
	more := total(data)
	if more > largest || account.sum > largest-more {
		return witTypes.Err[uint32, string]("overflow")
	}
	account.sum += more
	return witTypes.Ok[uint32, string](account.sum)
}

func (account *Account) Total() uint32 {
	return account.sum
}

func Language() string {
	atoll_log_log.Write(atoll_log_types.Level_Info, "Go speaking")
	return "Go"
}

func Sum(data []uint8) witTypes.Result[uint32, string] {
	if len(data) == 0 {
		return witTypes.Err[uint32, string]("nothing to add")
	}
	return witTypes.Ok[uint32, string](total(data))
}

func Parse(text string) witTypes.Result[uint32, string] {
	number, err := strconv.ParseUint(text, 10, 32)
	if err != nil || number > largest {
		return witTypes.Err[uint32, string]("not a number: " + text)
	}
	return witTypes.Ok[uint32, string](uint32(number))
}

func total(data []uint8) uint32 {
	sum := uint32(0)
	for _, byte := range data {
		sum += uint32(byte)
	}
	return sum
}
