package edistest

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/edisptr/edis-go/pkg/edis"
)

// An Account is an account of the fake service with its KVM servers.
type Account struct {
	Email, Password string
	KVMs            []KVM
}

// A KVM is a virtual server of an account.
type KVM struct {
	// ID is the KVM ID, such as "kvm_123456_789012".
	ID string
	// Addresses are the addresses of the server. Calls for others are refused. If there
	// are none, the server has all addresses that are not listed for another server.
	Addresses []netip.Prefix
	// PrimaryIP, Description and Suspended are returned by a login.
	PrimaryIP   netip.Addr
	Description string
	Suspended   bool
}

const defaultEmail, defaultPassword = "owner@example.com", "edistest-password"

var defaultAccount = Account{
	Email:    defaultEmail,
	Password: defaultPassword,
	KVMs: []KVM{{
		ID:          "kvm_123456_789012",
		PrimaryIP:   netip.MustParseAddr("192.0.2.1"),
		Description: "mail server",
	}},
}

// Credentials returns the credentials of the account that the server starts with.
func (s *Server) Credentials() edis.Credentials {
	return edis.Credentials{Email: defaultEmail, Password: defaultPassword}
}

// AddAccount adds an account with its KVM servers.
func (s *Server) AddAccount(account Account) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	account.KVMs = slices.Clone(account.KVMs)
	for i, kvm := range account.KVMs {
		kvm.Addresses = slices.Clone(kvm.Addresses)
		account.KVMs[i], s.kvms[kvm.ID] = kvm, kvm
	}
	s.accounts = append(s.accounts, account)
}

// mustKnow panics if no account has a KVM server: a test that mistypes an ID must not
// pass. The caller holds the mutex.
func (s *Server) mustKnow(kvmID, method string) {
	if _, ok := s.kvms[kvmID]; !ok {
		panic(fmt.Sprintf("edistest: %s for %q, which is not a KVM server of any account", method, kvmID))
	}
}

// owns reports whether an address belongs to a KVM server.
func (s *Server) owns(kvmID string, address netip.Addr) bool {
	listed := func(kvm KVM) bool {
		return slices.ContainsFunc(kvm.Addresses, func(prefix netip.Prefix) bool { return prefix.Contains(address) })
	}
	if kvm := s.kvms[kvmID]; len(kvm.Addresses) > 0 {
		return listed(kvm)
	}
	for _, kvm := range s.kvms {
		if listed(kvm) {
			return false
		}
	}
	return true
}
