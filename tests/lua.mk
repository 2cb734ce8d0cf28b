## tests of lua
