package alerts

import (
	"testing"

	"github.com/onlywave/onlywave/test/platform/platformtest"
)

func TestMain(m *testing.M) { platformtest.Main(m.Run) }
