## tests of net
