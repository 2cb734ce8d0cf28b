## tests of core
