## lua
