# SPDX-License-Identifier: Apache-2.0
package FaultsClock;

# libfaketime gives httpd another time, anew each second.

use strict;
use warnings;

use AcmeServer;

my ($library) = glob '/usr/lib/*/faketime/libfaketimeMT.so.1';

sub is_here { return defined $library }

# Its clock is so many seconds before ours.
sub set {
    my ($server, $offset) = @_;
    AcmeServer::write_file("$server->{dir}/clock", sprintf "%+d\n", $offset);
}

# Start it anew, with a clock that can be set.
sub restart {
    my ($server) = @_;
    $server->stop;
    set($server, 0);
    local %ENV = (%ENV, LD_PRELOAD => $library, FAKETIME_CACHE_DURATION => 1,
        FAKETIME_TIMESTAMP_FILE => "$server->{dir}/clock",
        FAKETIME_DONT_FAKE_MONOTONIC => 1, FAKETIME_DONT_RESET => 1);
    $server->start;
}

1;
