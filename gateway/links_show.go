package main

import (
	"context"
	"time"

	"slipway/gateway/operate"
	"slipway/uploader/ledger"
	"slipway/vfs"
	"slipway/vfs/sidecar"
)

// linkReceipts adds to receipts those of files with links.
type linkReceipts struct{ receipts }

var _ sidecar.Source = linkReceipts{}

// Folder returns the receipts of the files in a directory.
func (r linkReceipts) Folder(ctx context.Context, dir vfs.ID) (map[vfs.ID]sidecar.Receipt, error) {
	all, err := r.receipts.Folder(ctx, dir)
	if err != nil {
		return all, err
	}
	links, err := r.ledger.LinksIn(ctx, dir)
	for id, l := range links {
		all[id] = withLinks(all[id], l)
	}
	return all, err
}

// File returns the receipt of one file.
func (r linkReceipts) File(ctx context.Context, id vfs.ID) (sidecar.Receipt, error) {
	receipt, err := r.receipts.File(ctx, id)
	if err != nil {
		return receipt, err
	}
	links, err := r.ledger.LinksOf(ctx, id)
	return withLinks(receipt, links), err
}

// Retry tries again what did not work for a file.
func (r linkReceipts) Retry(ctx context.Context, id vfs.ID) error {
	if err := r.receipts.Retry(ctx, id); err != nil {
		return err
	}
	return r.ledger.RetryLinks(ctx, id, time.Now().Add(max(time.Duration(r.settings.Load().config.Settle.Quiet), retryRest)))
}

// withLinks adds to a receipt how the links of its file stand.
func withLinks(receipt sidecar.Receipt, l *ledger.Links) sidecar.Receipt {
	if l == nil || l.State == ledger.LinkPlain {
		return receipt
	}
	if l.Changed.After(receipt.Changed) {
		receipt.Changed = l.Changed
	}
	if l.State != ledger.LinkDone {
		receipt.Links = append(receipt.Links, sidecar.Link{State: l.State, Error: l.Error, Remedy: l.Remedy, Tries: l.Tries, NextTry: l.Due})
	}
	for _, k := range l.Links {
		receipt.Links = append(receipt.Links, sidecar.Link{URL: k.URL, State: k.State, Picture: k.Picture, Error: k.Error, Remedy: k.Remedy, Tries: k.Tries, NextTry: k.Due})
	}
	return receipt
}

// explainLinks adds to an explanation what became of the links of its file.
func (o operations) explainLinks(ctx context.Context, x *operate.Explanation) error {
	if x.Entry == nil {
		return nil
	}
	l, err := o.ledger.LinksOf(ctx, vfs.ID(x.Entry.ID))
	if err != nil || l == nil {
		return err
	}
	if l.State != ledger.LinkDone {
		x.Links = append(x.Links, operate.Link{State: l.State, Error: l.Error, Remedy: l.Remedy, NextTry: l.Due})
	}
	for _, k := range l.Links {
		x.Links = append(x.Links, o.linkShown(vfs.ID(x.Entry.ID), k))
	}
	return nil
}
