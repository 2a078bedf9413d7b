package cache

import "time"

// A Rotation is a rotation of an access key that has begun and not ended.
type Rotation struct {
	OldKey string // ID of the key to replace
	Began  time.Time
}

const rotationSuffix = ".rotation"

// Rotation returns the rotation that was noted under a name; the zero value if none.
func (d Dir) Rotation(name string) Rotation {
	r, err := d.read(name + rotationSuffix)
	if err != nil {
		return Rotation{}
	}
	return Rotation{OldKey: r.get("old_key"), Began: r.getTime("began")}
}

// SetRotation notes a rotation.
func (d Dir) SetRotation(name string, v Rotation) error {
	var r record
	r.put("old_key", v.OldKey)
	r.putTime("began", v.Began)
	return d.write(name+rotationSuffix, r)
}

// EndRotation removes the note of a rotation.
func (d Dir) EndRotation(name string) error { return d.remove(name + rotationSuffix) }
