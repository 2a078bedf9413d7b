package accesskey

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"forcemfa/internal/awsfile"
	"forcemfa/internal/filefault"
	"forcemfa/internal/secret"
	"forcemfa/internal/session"
)

// A fileHolder is a profile in one of the AWS files.
type fileHolder struct{ path, section string }

// InFile returns the holder of a profile whose key is in one of the AWS files.
func InFile(files *awsfile.Files, p awsfile.Profile) session.Holder {
	if s, ok := p.Setting(awsfile.SecretSetting); ok && s.Origin.Path == files.Config.Path {
		return &fileHolder{files.Config.Path, awsfile.ConfigSection(p.Name)}
	}
	return &fileHolder{files.Credentials.Path, p.Name}
}

// Ready tries whether a file can be put beside the one to be replaced.
func (h *fileHolder) Ready(context.Context) error {
	real, err := filepath.EvalSymlinks(h.path)
	if err != nil {
		return filefault.Error("keep the new key", err)
	}
	f, err := os.CreateTemp(filepath.Dir(real), ".forcemfa-")
	if err != nil {
		return withNext(filefault.Error("keep the new key", err), cmp.Or(filefault.Next(err, filepath.Dir(real)), "make the directory writable")+"; nothing was changed")
	}
	_ = f.Close()
	return os.Remove(f.Name())
}

// Keep changes both settings in one step.
func (h *fileHolder) Keep(_ context.Context, keys secret.Keys) error {
	err := awsfile.Edit(h.path, func(f *awsfile.File) error {
		return errors.Join(
			f.Set(h.section, awsfile.KeyIDSetting, keys.AccessKeyID),
			f.Set(h.section, awsfile.SecretSetting, keys.SecretAccessKey.Reveal()))
	})
	if err != nil {
		return err
	}
	f, err := awsfile.Read(h.path)
	if err != nil {
		return err
	}
	s, _ := f.Section(h.section)
	id, _ := s.Get(awsfile.KeyIDSetting)
	text, _ := s.Get(awsfile.SecretSetting)
	if id.Value != keys.AccessKeyID || text.Value != keys.SecretAccessKey.Reveal() {
		return fmt.Errorf("%s does not hold what was written", h.path)
	}
	return nil
}

// A storeHolder is a secret store.
type storeHolder struct {
	store   secret.Store
	profile string
}

// InStore returns the holder of a profile whose key is in a secret store.
func InStore(store secret.Store, profile string) session.Holder { return &storeHolder{store, profile} }

const storeProbe = "forcemfa-rotate-probe"

// Ready writes something and takes it back: a store can be read-only or
// locked.
func (h *storeHolder) Ready(ctx context.Context) error {
	if err := h.store.SetText(ctx, storeProbe, secret.NewText("probe")); err != nil {
		return err
	}
	return h.store.DeleteText(ctx, storeProbe)
}

func (h *storeHolder) Keep(ctx context.Context, keys secret.Keys) error {
	if err := h.store.Set(ctx, h.profile, keys); err != nil {
		return err
	}
	back, err := h.store.Get(ctx, h.profile)
	if err == nil && (back.AccessKeyID != keys.AccessKeyID || back.SecretAccessKey.Reveal() != keys.SecretAccessKey.Reveal()) {
		err = fmt.Errorf("the %s store does not hold what was written", h.store.Backend())
	}
	return err
}
