// Package export_atoll_samples_lamp is the server {{name}}: a lamp with bulbs that can be dimmed.
// The bindings name the package, and find its functions and the resource by their names.
package export_atoll_samples_lamp

import (
	"runtime"
	"unicode/utf8"

	wit "go.bytecodealliance.org/pkg/wit/types"

	lamp "wit_component/atoll_samples_lamp"
)

const (
	brightest = 100
	nameMax   = 64 // bytes
)

type result = wit.Result[uint32, lamp.Error]

// Bulb is what a handle of a client stands for. The first two fields are the bindings'.
type Bulb struct {
	pinner  runtime.Pinner
	handle  int32
	name    string
	percent uint32
}

func MakeBulb(name string) *Bulb {
	return &Bulb{name: cut(name)}
}

// OnDrop is called when the client drops its bulb.
func (bulb *Bulb) OnDrop() {}

func (bulb *Bulb) Name() string {
	return bulb.name
}

func (bulb *Bulb) Set(percent uint32) result {
	if percent > brightest {
		return wit.Err[uint32](lamp.MakeErrorTooBright(percent - brightest))
	}
	before := bulb.percent
	bulb.percent = percent
	return wit.Ok[uint32, lamp.Error](before)
}

func (bulb *Bulb) Brightness() uint32 {
	return bulb.percent
}

func Maker() string {
	return "Go"
}

func Blink(pattern []uint8) result {
	var tenths uint32
	for _, flash := range pattern {
		tenths += uint32(flash)
	}
	if tenths == 0 {
		return wit.Err[uint32](lamp.MakeErrorDark())
	}
	return wit.Ok[uint32, lamp.Error](tenths)
}

// cut gives as much of the text as fits, without cutting a letter of UTF-8 in two.
func cut(text string) string {
	if len(text) <= nameMax {
		return text
	}
	length := nameMax
	for length > 0 && !utf8.RuneStart(text[length]) {
		length--
	}
	return text[:length]
}
