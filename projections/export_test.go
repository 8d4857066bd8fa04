package projections

// SelfTimes is for tests of what is made of it.
var SelfTimes = selfTimes
