#!/usr/bin/ruby
# SPDX-License-Identifier: Apache-2.0
#
# A client made of Ruby's acme-client, as its documentation shows.
#
# acme_client.rb DIRECTORY WEBROOT OUT KIND NAME...
#
# KIND is ec or rsa, for the account's and the certificate's key.
# OUT/account.key is kept; OUT/key.pem and OUT/chain.pem are written anew.
# Answers to http-01 are written to WEBROOT, a file for each token.
# The variable AFTERWARDS may have the words rollover (of the account's key) and
# revoke.

require 'acme-client'

# acme-client 2.0.9 writes coordinates without their leading zeros, which RFC
# 7518 6.2.1.2 wants: one key in 128 is of no use to it.
def make_key(kind)
  return OpenSSL::PKey::RSA.new(2048) if kind == 'rsa'
  loop do
    key = OpenSSL::PKey::EC.generate('prime256v1')
    point = key.public_key.to_octet_string(:uncompressed)
    return key unless point.getbyte(1).zero? || point.getbyte(33).zero?
  end
end

def account_key(path, kind)
  File.write(path, make_key(kind).to_pem) unless File.exist?(path)
  OpenSSL::PKey.read(File.read(path))
end

def wait_for(thing, *states)
  200.times do
    return thing unless states.include?(thing.status)
    sleep 0.2
    thing.reload
  end
  abort "it stays #{thing.status}"
end

def prove(authorization, webroot)
  return if authorization.status == 'valid'
  challenge = authorization.http
  File.write(File.join(webroot, challenge.token), challenge.key_authorization)
  challenge.request_validation
  wait_for(challenge, 'pending', 'processing')
  abort "not valid: #{challenge.error}" unless challenge.status == 'valid'
end

directory, webroot, out, kind, *names = ARGV
client = Acme::Client.new(
  private_key: account_key("#{out}/account.key", kind), directory: directory)
account = client.new_account(contact: 'mailto:admin@a.test',
                             terms_of_service_agreed: true)
account.update(contact: 'mailto:root@a.test')

order = client.new_order(identifiers: names)
order.authorizations.each { |authorization| prove(authorization, webroot) }
key = make_key(kind)
order.finalize(csr: Acme::Client::CertificateRequest.new(
  private_key: key, names: names, subject: { common_name: names.first }))
wait_for(order, 'processing')
File.write("#{out}/key.pem", key.to_pem)
File.write("#{out}/chain.pem", order.certificate)

afterwards = ENV.fetch('AFTERWARDS', '').split
if afterwards.include?('rollover')
  fresh = make_key(kind)
  client.account_key_change(new_private_key: fresh)
  File.write("#{out}/account.key", fresh.to_pem)
end
if afterwards.include?('revoke')
  client = Acme::Client.new(
    private_key: account_key("#{out}/account.key", kind), directory: directory)
  client.revoke(certificate: order.certificate, reason: 3)
end
