// Package widepages lets Linux back the first 112 MB of the heap by pages of 2 MB.
//
// With pages of 4 kB, a command that allocates 70 MB makes 18,000 page faults, and where a
// hypervisor has a part in each, as on a virtual machine, they were more than half of the
// processor time of an audit. Go asks for no wide pages, and most systems give them only to
// programs that ask.
package widepages

// Room is how much of the heap gets wide pages, in bytes: a little less than package
// heapfloor lets the heap grow to.
const Room = 112 << 20
